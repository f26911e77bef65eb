"""FCM: Firebase Cloud Messaging, HTTP v1.

    POST {oauth_url}                                     a signed assertion for an access token of about an hour
    POST {fcm_url}/v1/projects/{project}/messages:send   {"message": {token, notification, data, …}}
    answer                                               {"name": "projects/{project}/messages/{id}"}

From firebase.google.com, "FCM HTTP v1 API" and its ErrorCode page (provider-contracts §7). FCM reports nothing back.
Many requests share one connection (HTTP/2). `answers.py` begins with the table of what each error means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.transports import Known, Question, health
from providers.transports.fcm import answers, configuring, requests, tokens
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Fcm(Vendor):
    vendor = "fcm"
    provider_types: frozenset[str] | None = frozenset({"PUSH"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 300_000

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return [*configuring.check(configuration), *super().check(provider_type, configuration)]

    def questions(self, settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:  # noqa: ARG002 - one token serves any message
        return (Question(tokens.KEY, tokens.ask(settings)),)

    def read_answer(self, settings: ProviderSettings, question: Question, answer: WireAnswer) -> Known | Outcome:  # noqa: ARG002 - there is one question
        return tokens.read(settings, answer)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        """Without a token: what the request is but for that."""
        return requests.build(settings, messages, "")

    def build_knowing(
        self, settings: ProviderSettings, messages: Sequence[Message], known: Mapping[str, str]
    ) -> WireRequest:
        return requests.build(settings, messages, known[tokens.KEY])

    def disproves(self, settings: ProviderSettings, answer: WireAnswer) -> bool:
        return answers.disproves_token(settings, answer)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return [answers.parse(settings, answer)] * len(messages)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        """Asking for a token proves the service account, and reaches nobody."""
        return health.within_bounds(tokens.ask(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return tokens.read_health(settings, answer)


transport = Fcm()
