"""The image without an engine: what the Dockerfile copies, in a folder of its own, with what runtime.txt installs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import msgspec

from tests.databases import CHECKOUT

DOCKERFILE = CHECKOUT / "docker" / "Dockerfile"
COPIES = re.compile(r"^COPY (?!--from)(?P<sources>.+) (?P<target>\S+)$", re.MULTILINE)
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)
REFUSE = """
import json, os, sys
from importlib.abc import MetaPathFinder

class OnlyForDevelopment(MetaPathFinder):
    names = frozenset(json.loads(os.environ["ONLY_FOR_DEVELOPMENT"]))

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, OnlyForDevelopment())
"""


class Image(msgspec.Struct, frozen=True):
    """`root` is the image's /prism."""

    root: Path
    environment: dict[str, str]

    def run(self, *command: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        """With the image's interpreter; `environment` in place of the made-up one of build.env."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def unpack(place: Path) -> Image:
    """What the build stage has before it collects files, as its COPY lines and the .dockerignore say."""
    root, refusals = place / "prism", place / "refusals"
    for copy in COPIES.finditer(DOCKERFILE.read_text()):
        for source in copy["sources"].split():
            target = root / copy["target"]
            _copy(source, target / Path(source).name if copy["target"].endswith("/") else target)
    refusals.mkdir()
    (refusals / "sitecustomize.py").write_text(REFUSE)
    environment = {
        **read_environment(CHECKOUT / "docker" / "build.env"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(refusals),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ONLY_FOR_DEVELOPMENT": json.dumps(sorted(only_for_development())),
        "STATIC_ROOT": str(root / "static"),
    }
    return Image(root, environment)


def _copy(source: str, target: Path) -> None:
    assert admitted(source), f"{source} is kept out of the build by docker/Dockerfile.dockerignore"
    target.parent.mkdir(parents=True, exist_ok=True)
    path = CHECKOUT / source
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".env*"))
    else:
        shutil.copy(path, target)


def admitted(source: str) -> bool:
    lines = (CHECKOUT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    return any(line.startswith("!") and fnmatch(source, line[1:]) for line in lines)


def only_for_development() -> set[str]:
    """Top-level modules of packages that dev.txt has and runtime.txt has not."""
    runtime, dev = _pinned("runtime"), _pinned("dev")
    return {
        module
        for module, owners in packages_distributions().items()
        if all(owner.lower().replace("_", "-") in dev - runtime for owner in owners)
    }


def _pinned(kind: str) -> set[str]:
    text = (CHECKOUT / "requirements" / f"{kind}.txt").read_text()
    return {name.lower().replace("_", "-") for name in PINNED.findall(text)}


def read_environment(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
