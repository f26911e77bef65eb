"""Which system user runs the servers, and which places that user can reach.

PostgreSQL refuses to run as root, and a checkout below a directory of mode 700 (/root, mktemp -d) is closed to others.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

import msgspec

from prism.embedded.errors import EmbeddedError

# Where root keeps what an unprivileged server must reach when the checkout itself is closed to it.
OPEN_PLACE = Path("/var/lib/prism-embedded")


class SubprocessUser(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Account(msgspec.Struct, frozen=True):
    uid: int
    gid: int
    name: str

    def can(self, test: str, path: Path) -> bool:
        """Whether this user passes `test -x PATH` and the like, every parent directory included."""
        done = subprocess.run(
            ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)],
            cwd="/",
            check=False,
            **run_as(self),
        )
        return done.returncode == 0


def run_as(account: Account | None) -> SubprocessUser:
    """What subprocess needs to run a program as that user; nothing for ourselves."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def owner_of(root: Path) -> Account | None:
    """The user a plain checkout belongs to when root works in it (sudo make demo); None: just ourselves."""
    status = root.stat()
    if os.geteuid() != 0:
        if status.st_uid != os.geteuid():
            raise EmbeddedError(f"{root} belongs to another user: run as that user, or remove it.")
        return None
    return None if status.st_uid == 0 else Account(status.st_uid, status.st_gid, str(status.st_uid))


def unprivileged(root: Path) -> Account | None:
    """Who runs a server that refuses root: the owner of the directory, else nobody; None: just ourselves."""
    if os.geteuid() != 0:
        return None
    if owner := owner_of(root):
        return owner
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root and there is no user 'nobody': run as a plain user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid, "nobody")


def give_to(account: Account | None, *paths: Path) -> None:
    if account:
        for path in paths:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def reachable_directory(wanted: Path, account: Account | None) -> Path:
    """`wanted`, made and owned by the account; or a place below OPEN_PLACE if the account cannot get there."""
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is None:
        return wanted
    give_to(account, wanted)
    if account.can("-w", wanted):
        return wanted
    with contextlib.suppress(OSError):  # not ours to remove if something is in it
        wanted.rmdir()
    place = _open_place() / f"{wanted.name}-{secrets.token_hex(4)}"
    place.mkdir(mode=0o700)
    give_to(account, place)
    if not account.can("-w", place):
        raise EmbeddedError(
            f"User {account.name} can write neither to {wanted} nor to {place}: open their parents with chmod o+x."
        )
    return place


def reachable_programs(site: Path, folders: tuple[str, ...], version: str, account: Account | None) -> Path:
    """`site`, or a place that holds a copy of its `folders` which the account can read and execute."""
    if account is None or account.can("-r", site / folders[0]):
        return site
    copy = _open_place() / version
    if not copy.exists():
        half = copy.with_name(f"{version}.{os.getpid()}")
        for folder in filter(lambda name: (site / name).exists(), folders):
            shutil.copytree(site / folder, half / folder, symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                _open_to_all(path)
        try:
            half.rename(copy)
        except OSError:  # a parallel start was faster: its copy is as good
            shutil.rmtree(half)
    return copy


def _open_place() -> Path:
    OPEN_PLACE.mkdir(parents=True, exist_ok=True)
    _open_to_all(OPEN_PLACE)
    return OPEN_PLACE


def _open_to_all(path: Path) -> None:
    """Readable, and executable where its owner may execute it, whatever root's umask says."""
    mode = path.stat().st_mode
    path.chmod(mode | 0o444 | (mode & 0o100) // 0o100 * 0o111)
