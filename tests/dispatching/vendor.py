"""A gateway on a thread, for tests that drive the engine inside their own process."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, object] | bytes]
Behaviour = Callable[[dict[str, object]], Answer]


def accept(message: dict[str, object]) -> Answer:
    return 200, {"messageId": f"m-{message['to']}", "status": "sent"}


class Vendor:
    """What it took, by idempotency key; `behave` may be changed while it runs."""

    def __init__(self) -> None:
        self.behave: Behaviour = accept
        self.delay_s = 0.0
        self.hangs_up = False
        """Ends each connection after its answer without saying so, as a server does whose idle time is over."""
        self.keys: Counter[str] = Counter()
        self.messages: list[dict[str, object]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self.url = ""

    def take(self, key: str, message: dict[str, object]) -> Answer:
        with self._lock:
            self.keys[key] += 1
            self.messages.append(message)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.delay_s)
        with self._lock:
            self._now -= 1
        return self.behave(message)


@contextmanager
def running_vendor() -> Iterator[Vendor]:
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = vendor.take(self.headers["Idempotency-Key"], body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = vendor.hangs_up

        def log_message(self, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
