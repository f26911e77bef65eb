"""Vendors that answer as a test says, over plain HTTP or TLS, on a real socket."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Vendor(ThreadingHTTPServer):
    """Answers every request with `status` and `body`, after `pause`; remembers what it was asked."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = status, body
        self.hanging = threading.Event()
        self.is_hanging = False
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Vendor

    def _answer(self) -> None:
        vendor = self.server
        vendor.asked.append((self.command, self.path, dict(self.headers)))
        if vendor.is_hanging:
            vendor.hanging.wait(30)
            return
        self.send_response(vendor.status)
        self.send_header("Content-Length", str(len(vendor.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(vendor.body)

    do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - the library's names

    def log_message(self, *_args: Any) -> None:
        """Silent."""


@contextmanager
def vendor(status: int, body: bytes = b"", *, hanging: bool = False, tls: Path | None = None) -> Iterator[Vendor]:
    server = Vendor(status, body)
    server.is_hanging = hanging
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_self_signed(tls))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.hanging.set()
        server.shutdown()
        server.server_close()
        thread.join()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "vendor.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
