"""A vendor without a house: what the sender asks of a transport, answered as the test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import msgspec

from dispatching.parcels import EMPTY_MESSAGE, Batch, LaneKey, Parcel
from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Meaning, VendorReport
from providers.settings import ProviderSettings
from providers.transports import Known, Question
from providers.transports.vendor import Vendor
from tests.dispatching.test_lanes import settings

URL = "http://127.0.0.1:9"
Refuse = Callable[[Message], Exception | None]


def request(path: str, body: bytes = b"", headers: tuple[str, ...] = ()) -> WireRequest:
    return WireRequest("POST", path if "://" in path else URL + path, headers, body, 2_000, 1_000)


class Toy(Vendor):
    """Sends `{"ids": […]}`; 200 accepts all of them, another status is a configuration error."""

    vendor = "toy"
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    example: dict[str, Any] = {}

    def __init__(self, batch_size: int = 1, *, url: str = URL) -> None:
        self.batch_size = batch_size
        self.url = url
        self.refuse: Refuse = lambda _message: None
        self.names_index = True

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        for index, message in enumerate(messages):
            if (problem := self.refuse(message)) is not None:
                if hasattr(problem, "index"):
                    problem.index = index if self.names_index else None
                raise problem
        return request(f"{self.url}/send", json.dumps({"ids": [message.dispatch_id for message in messages]}).encode())

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        if answer.status != 200:
            return [Outcome(Kind.CONFIGURATION, reason="UNAUTHORIZED")] * len(messages)
        return [Outcome(Kind.ACCEPTED, message_id=f"m-{message.dispatch_id}") for message in messages]


class GroupingToy(Toy):
    """Messages of one channel share a request."""

    def group_key(self, settings: ProviderSettings, message: Message) -> Hashable:
        if (problem := self.refuse(message)) is not None:
            raise problem
        return message.channel


class AskingToy(Toy):
    """Wants a token first; 200 with `{"token": …, "lifetime": …}` is one, another status is a refusal."""

    def __init__(self, batch_size: int = 1, *, url: str = URL) -> None:
        super().__init__(batch_size, url=url)
        self.built_with: list[str] = []

    def questions(self, settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:
        return [Question("token", request(f"{self.url}/token"))]

    def read_answer(self, settings: ProviderSettings, question: Question, answer: WireAnswer) -> Known | Outcome:
        if answer.status != 200:
            return Outcome(Kind.CONFIGURATION, reason="UNAUTHORIZED")
        said = json.loads(answer.body)
        return Known(said["token"], said["lifetime"])

    def build_knowing(
        self, settings: ProviderSettings, messages: Sequence[Message], known: Mapping[str, str]
    ) -> WireRequest:
        built = self.build(settings, messages)
        self.built_with.append(known["token"])
        return msgspec.structs.replace(built, headers=(f"Authorization: {known['token']}",))

    def disproves(self, settings: ProviderSettings, answer: WireAnswer) -> bool:
        return answer.status == 401


def parcel(name: str, **fields: Any) -> Parcel:
    message = msgspec.structs.replace(EMPTY_MESSAGE, dispatch_id=name, **fields)
    return Parcel(name, 1, None, None, 1, 0, 3, asynchronous=False, not_after=None, since=None, message=message)  # type: ignore[arg-type]  # no calendar here


def batch(*names: str, deadline: float = float("inf"), **own: Any) -> Batch:
    """Of the provider of tests/dispatching/test_lanes.py, whose vendor is the toy."""
    made = Batch("b", LaneKey("p", 1), None, [parcel(name) for name in names], time.monotonic(), deadline)
    made.settings = msgspec.structs.replace(settings(), vendor="toy", **own)
    made.left = len(names)
    return made


def answered(body: bytes = b"{}", status: int = 200) -> WireAnswer:
    return WireAnswer(status, {}, body, left=True, complete=True, error=None, detail="", elapsed_ms=1.0)


def token(value: str = "t1", lifetime: float = 3600) -> WireAnswer:
    return answered(json.dumps({"token": value, "lifetime": lifetime}).encode())


def ids(request: WireRequest) -> list[str]:
    """Whose messages it carries; empty where it asks for a token."""
    found: list[str] = json.loads(request.body)["ids"] if request.body else []
    return found


class PolledToy(Toy):
    """Asked for receipts at /receipts with `{"ids": […]}`, answers `{"id": "delivered" | "error" | "accepted"}`."""

    vendor = "polled"
    poll_after_s = (900.0, 2700.0)
    poll_size = 2
    overdue_after_s = 4500.0
    meanings: ClassVar = {"delivered": Meaning.DELIVERED, "error": Meaning.FAILED, "accepted": Meaning.ACCEPTED}

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        return True

    def poll_request(self, settings: ProviderSettings, message_ids: Sequence[str]) -> WireRequest:
        return request(f"{self.url}/receipts", json.dumps({"ids": message_ids}).encode())

    def read_poll(
        self, settings: ProviderSettings, message_ids: Sequence[str], answer: WireAnswer
    ) -> list[VendorReport] | None:
        if answer.status != 200:
            return None
        said: dict[str, str] = json.loads(answer.body)
        return [
            VendorReport(kind=word, meaning=self.meanings[word], message_id=message_id, event_id=message_id)
            for message_id, word in said.items()
        ]


class Office(ThreadingHTTPServer):
    """Tells what `known` says of the ids it is asked about, or fails with `status`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Counter)
        self.known: dict[str, str] = {}
        self.status = 200
        self.asked: list[list[str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Counter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Office

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["ids"]
        self.server.asked.append(wanted)
        data = json.dumps({name: self.server.known[name] for name in wanted if name in self.server.known}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def running_office() -> Iterator[Office]:
    office = Office()
    thread = threading.Thread(target=office.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield office
    finally:
        office.shutdown()
        office.server_close()
        thread.join(5)
