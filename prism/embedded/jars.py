"""Fetches Kafka's jars with jgo (no Maven, no Java needed) and holds each against its checksum in `kafka_jars.lock`.

The lock was made from jgo's own resolution of the endpoint in its first line: `sha256  group:artifact:version` each.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from prism.embedded.errors import EmbeddedError
from prism.embedded.servers import Progress

LOCK = Path(__file__).with_name("kafka_jars.lock")
# Shared by all clusters of this checkout, and never by others: nobody else's broken download can reach us.
FOLDER = Path(__file__).resolve().parents[2] / ".local" / "downloads" / "kafka"


class Jar(msgspec.Struct, frozen=True):
    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked() -> list[Jar]:
    lines = [line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(checksum, *coordinate.split(":")) for checksum, coordinate in lines]


def ensure(progress: Progress, folder: Path = FOLDER) -> list[Path]:
    """All jars, verified, in the order of the lock. Only what is missing or damaged is downloaded."""
    wanted = locked()
    missing = [jar for jar in wanted if not _is_good(folder / jar.file, jar)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _download(missing, folder, progress)
    return [folder / jar.file for jar in wanted]


def _is_good(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _download(missing: list[Jar], folder: Path, progress: Progress) -> None:
    """Into a throw-away repository first: jgo writes in place, so a file cut short would look finished."""
    try:
        with warnings.catch_warnings():  # platformdirs, below jgo, warns where there is no login session
            warnings.simplefilter("ignore", UserWarning)
            from jgo.config import GlobalSettings
            from jgo.constants import MAVEN_CENTRAL_URL
            from jgo.maven import MavenContext
    except ModuleNotFoundError:
        raise EmbeddedError("The package jgo is missing: pip install -r requirements/dev.txt") from None
    logging.getLogger("jgo").setLevel(logging.ERROR)
    # A mirror is named where jgo looks for it: `[repositories] central = …` in ~/.config/jgo.conf.
    remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    progress(f"Downloading Kafka, {len(missing)} jars of about 43 MB in all (once)")
    told, size = time.monotonic(), 0
    with tempfile.TemporaryDirectory(dir=folder, prefix="half.") as half:
        context = MavenContext(repo_cache=Path(half), remote_repos=remotes, timeout=60)

        def fetch(jar: Jar) -> int:
            path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            if not _is_good(path, jar):
                raise EmbeddedError(
                    f"{jar.file} does not have the checksum that {LOCK.name} asks for: it was not installed."
                )
            size = path.stat().st_size
            path.replace(folder / jar.file)
            return size

        with ThreadPoolExecutor(4) as pool:
            try:
                for count, got in enumerate(pool.map(fetch, missing), start=1):
                    size += got
                    if time.monotonic() - told > 2 or count == len(missing):
                        progress(f"Downloaded {count} of {len(missing)} jars ({size / 1e6:.0f} MB)")
                        told = time.monotonic()
            except (OSError, RuntimeError) as error:
                pool.shutdown(cancel_futures=True)
                if isinstance(error, EmbeddedError):
                    raise
                raise EmbeddedError(
                    "Kafka's jars could not be downloaded: run again when the registry can be reached, "
                    f"or name any broker in KAFKA_BOOTSTRAP_SERVERS. ({error})"
                ) from None
