"""What a vendor is: pure functions from messages to one wire request, and from its answer to typed outcomes.

A new vendor is one file or folder here, one line in `providers/registry.py`, and passes tests/providers/conformance.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, VendorReport
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Unsendable(Exception):  # noqa: N818 - reads as what it says; an Error suffix adds nothing
    """A message that can never go out as it is: a malformed address, a text too long. Raised by `build`,
    `build_knowing`, `questions` and `group_key`; the message ends with this outcome and no request is made for it.
    `index`: its place in the sequence that was given; None where that cannot be said: it is then found by trying."""

    def __init__(self, kind: Kind, reason: str, error: str, index: int | None = None) -> None:
        super().__init__(reason)  # never the text: it may hold an address
        self.kind = kind
        self.reason = reason
        self.error = error
        self.index = index


class Transport(Protocol):
    """Implemented by one module-level object per vendor; `providers.transports.vendor.Vendor` has the usual answers."""

    vendor: str
    provider_types: frozenset[str] | None
    """The provider types it serves; None: any."""
    schema: dict[str, Any]
    """JSON Schema (2020-12) of `configuration`, titles in English marked for translation."""
    example: dict[str, Any]
    batch_size: int
    """The most messages that one request can carry for any provider; 1: no batches."""
    per_minute: int | None
    concurrency: int
    spacing_s: float
    overdue_after_s: float | None

    def batch_size_of(self, settings: ProviderSettings) -> int:
        """The most messages that one request may carry for this provider."""

    def address_attribute(self, provider_type: str) -> str:
        """The contact attribute that holds the destination."""

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        """(path, message) of what the schema cannot say. Called only where the schema holds."""

    def may_report(self, configuration: dict[str, Any]) -> bool:
        """Whether a provider that is configured so can ever tell what became of its messages. Called only where the
        schema holds."""

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        """Whether this provider, as it is set up, will tell what became of its messages."""

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        """One request for one message, or for up to `batch_size_of(settings)` of them. Raises Unsendable."""

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        """One outcome per message, in order. Only complete answers come here."""


@runtime_checkable
class Checkable(Protocol):
    """Optional beside Transport: how to ask a vendor whether it would take a message, without sending one."""

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        """A request that reaches nobody; None where there is nothing to ask. Raises Unsendable where the configuration
        or its credential is good for none."""

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        """What the answer means. Only complete answers come here."""


@runtime_checkable
class Grouping(Protocol):
    """Optional: which messages may share a request, where not any of them may."""

    def group_key(self, settings: ProviderSettings, message: Message) -> Hashable:
        """Messages with equal keys may be built into one request."""


class Question(msgspec.Struct, frozen=True):
    """Something to ask the vendor before messages can be built: a token, an identity. One answer per `key` serves all
    messages of the provider in this process until its lifetime ends."""

    key: str
    request: WireRequest


class Known(msgspec.Struct, frozen=True):
    """An answer that is kept for `lifetime_s` seconds. Never shown: it may be a token."""

    value: str
    lifetime_s: float

    def __repr__(self) -> str:
        return f"Known(lifetime_s={self.lifetime_s})"


@runtime_checkable
class Asking(Protocol):
    """Optional: vendors that must be asked something first. Asking may be repeated: it reaches nobody."""

    def questions(self, settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:
        """All that must be known for these messages, known already or not. Cheap: called for every group."""

    def read_answer(self, settings: ProviderSettings, question: Question, answer: WireAnswer) -> Known | Outcome:
        """What is known now, or what becomes of the messages that wait for it. Only complete answers come here."""

    def build_knowing(
        self, settings: ProviderSettings, messages: Sequence[Message], known: Mapping[str, str]
    ) -> WireRequest:
        """In place of `build`. `known`: the value by the question's key, for all questions of these messages."""

    def disproves(self, settings: ProviderSettings, answer: WireAnswer) -> bool:
        """Whether this answer to a send says that nothing was sent because what we knew holds no longer, such as a 401
        for a token: it is then asked for again, and the messages are sent once more."""


@runtime_checkable
class Hearing(Protocol):
    """Optional: vendors that report over a webhook. `providers.transports.vendor.Vendor` has the usual answers of the
    three attributes. `settings.webhook_token` is a secret of ours for vendors that show one with their calls."""

    webhook_paths: tuple[str, ...]
    webhook_hint: str
    heard_status: int

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        """Whether the call is the vendor's: over the raw body, in constant time. False where a secret is missing."""

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:
        """The text with which a GET is answered that proves our address to the vendor; None: refuse."""

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        """The body as it may be stored: without the vendor's secrets."""

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        """The reports in a stored, verified call, in order; what is none of ours or no report is left out. Raises
        ValueError where the body cannot be read at all."""


@runtime_checkable
class Hinting(Protocol):
    """Optional beside Hearing and Checkable: vendors that also tell when their connection itself changes."""

    def hints(self, settings: ProviderSettings, call: Call) -> bool:
        """Whether a stored, verified call that can be read is a reason to look at the provider's health at once."""


@runtime_checkable
class Polled(Protocol):
    """Optional: vendors that report only when asked."""

    poll_after_s: tuple[float, ...]
    """How long after the send they are asked, and how long after that again, while there is no report."""
    poll_size: int
    """The most message ids in one request."""

    def poll_request(self, settings: ProviderSettings, message_ids: Sequence[str]) -> WireRequest: ...

    def read_poll(
        self, settings: ProviderSettings, message_ids: Sequence[str], answer: WireAnswer
    ) -> list[VendorReport] | None:
        """What is known by now; None where this answer says nothing (an error), and it is asked again."""


@runtime_checkable
class Registering(Protocol):
    """Optional: vendors that are told by a request where to report to."""

    def register_request(self, settings: ProviderSettings) -> WireRequest | None:
        """None where this provider needs none, or where no public address is known."""

    def read_registration(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict: ...
