"""A vendor without a house: what the sender asks of a transport, answered as the test says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import msgspec

from dispatching.parcels import EMPTY_MESSAGE, Batch, LaneKey, Parcel
from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
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
    schema: dict[str, Any] = {}
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
