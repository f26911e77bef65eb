"""Kafka's jars: only the pinned bytes are ever installed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from prism.embedded import EmbeddedError, jars


def ignore(_line: str) -> None:
    """Progress that nobody reads."""


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers every request with the same wrong bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"forged")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""


@pytest.fixture
def forged_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A registry on this machine, named the way a company names its mirror."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / ".config").mkdir()
        address = f"http://127.0.0.1:{server.server_port}"
        (tmp_path / ".config" / "jgo.conf").write_text(f"[repositories]\ncentral = {address}\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        yield
        server.shutdown()
        thread.join()


def test_a_jar_with_another_checksum_is_refused_and_not_installed(forged_registry: None, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"does not have the checksum that kafka_jars\.lock asks for"):
        jars.ensure(ignore, tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_damaged_jar_is_noticed_and_nothing_else_is_fetched_again(forged_registry: None, tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    for jar in jars.locked():
        (folder / jar.file).hardlink_to(jars.FOLDER / jar.file)
    assert len(jars.ensure(ignore, folder)) == len(jars.locked())
    damaged = folder / jars.locked()[0].file
    damaged.unlink()
    damaged.write_bytes(b"cut sho")
    with pytest.raises(EmbeddedError, match=damaged.name.replace(".", r"\.")):
        jars.ensure(ignore, folder)


def test_the_lock_names_every_jar_once_with_its_checksum() -> None:
    locked = jars.locked()
    assert len({jar.file for jar in locked}) == len(locked) == 46
    assert all(len(jar.sha256) == 64 for jar in locked)
