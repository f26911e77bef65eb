"""Starts, shares and stops the embedded services of one root directory (`.local/services`, `.local/test`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from prism.embedded import locks
from prism.embedded.accounts import give_to, owner_of
from prism.embedded.errors import EmbeddedError
from prism.embedded.kafka import Kafka
from prism.embedded.postgres import OWNER, SUPERUSER, WEB, Postgres
from prism.embedded.processes import Process
from prism.embedded.servers import Progress, Server

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_ROOT = CHECKOUT / ".local" / "services"
TEST_ROOT = CHECKOUT / ".local" / "test"

ServerName = Literal["postgres", "kafka"]


class Services(msgspec.Struct, frozen=True):
    """Addresses. The administrator's is None where the database is not ours but given in the environment."""

    database_url: str
    web_database_url: str
    kafka_bootstrap: str
    admin_database_url: str | None = None

    def environment(self) -> dict[str, str]:
        """The three variables that Prism reads."""
        return {
            "DATABASE_URL": self.database_url,
            "WEB_DATABASE_URL": self.web_database_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
        }


def _silent(_line: str) -> None:
    """For callers that want no progress lines."""


def ensure(root: Path, progress: Progress = _silent, *, durable: bool = True) -> Services:
    """Both services, answering; starts what is not running, keeps data. Any number of processes may call it at once.

    `durable=False` switches fsync off: quicker, safe against kill -9, not against a power cut. Raises EmbeddedError.
    """
    with _turn(root, progress) as place:
        postgres, kafka = Postgres(place, progress, durable=durable), Kafka(place, progress)
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(server.ensure) for server in (postgres, kafka)]:
                done.result()
    return Services(postgres.url(OWNER), postgres.url(WEB), kafka.bootstrap, postgres.url(SUPERUSER, "postgres"))


def stop(root: Path, progress: Progress = _silent) -> None:
    """Stops both, and nothing else. Refuses while another process holds them. Data stay."""
    if not root.exists():
        return
    with locks.open_lock(root / "users.lock") as users:
        if not locks.try_exclusive(users):
            raise EmbeddedError(f"The services of {root} are in use by another process: stop that one first.")
        _stop(root, progress)


def restart(root: Path, name: ServerName, progress: Progress = _silent, *, kill: bool = False) -> None:
    """Restarts one server on its ports as an operator would, or after a kill -9: for tests of recovery."""
    with _turn(root, progress) as place:
        server = _server(place, name, progress)
        if kill:
            server.kill()
        else:
            server.stop()
        server.ensure()


def status(root: Path) -> dict[str, Process | None]:
    """The live process of each server."""
    return {server.name: server.running() for server in _servers(root, _silent)} if root.exists() else {}


@contextlib.contextmanager
def hold(
    root: Path, progress: Progress = _silent, *, durable: bool = True, given: Mapping[str, str] = os.environ
) -> Iterator[Services]:
    """The services for the length of a `with` block, shared with every other holder; the last one out stops them.

    Not stopped: services that `keep()` was called for, and those that the environment names, which replace ours.
    """
    if outside := _given(given):
        yield outside
        return
    _make(root)
    with locks.open_lock(root / "users.lock") as users:
        locks.share(users)
        try:
            yield ensure(root, progress, durable=durable)
        finally:
            if locks.try_exclusive(users) and not _is_kept(root):
                _stop(root, progress)


def keep(root: Path) -> None:
    """What runs now stays up when its last holder leaves, until `stop`."""
    (root / "kept").write_bytes(msgspec.json.encode(status(root)))
    give_to(owner_of(root), root / "kept")


def _is_kept(root: Path) -> bool:
    """Whether `keep` was called for the very processes that run now, not for those before a reboot."""
    path = root / "kept"
    return path.exists() and path.read_bytes() == msgspec.json.encode(status(root))


def _given(environment: Mapping[str, str]) -> Services | None:
    names = ("DATABASE_URL", "WEB_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
    values = [environment.get(name, "").strip() for name in names]
    if not any(values):
        return None
    if not all(values):
        missing = ", ".join(name for name, value in zip(names, values, strict=True) if not value)
        raise EmbeddedError(
            f"{missing} not set: set all three of {', '.join(names)}, or none for the embedded services."
        )
    return Services(*values)


@contextlib.contextmanager
def _turn(root: Path, progress: Progress) -> Iterator[Path]:
    """One start or stop at a time in this root, and never in production."""
    if os.environ.get("PRISM_ENV", "").strip() == "production":
        raise EmbeddedError(
            "PRISM_ENV is production: the embedded services are for development only. "
            "Set DATABASE_URL, WEB_DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS."
        )
    root = _make(root)
    with locks.exclusive(root / "start.lock", progress):
        yield root


def _make(root: Path) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        raise EmbeddedError(f"{root} cannot be made: its parent belongs to another user.") from None
    return root.resolve()


def _servers(root: Path, progress: Progress) -> list[Server]:
    return [Postgres(root, progress), Kafka(root, progress)]


def _server(root: Path, name: ServerName, progress: Progress) -> Server:
    return next(server for server in _servers(root, progress) if server.name == name)


def _stop(root: Path, progress: Progress) -> None:
    root = root.resolve()
    with locks.exclusive(root / "start.lock", progress), ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(server.stop) for server in _servers(root, progress)]:
            done.result()
        (root / "kept").unlink(missing_ok=True)
