"""AWS SNS: SMS straight to a phone number (provider-contracts §5).

    POST https://sns.{region}.amazonaws.com/    form: Action=Publish, Version, PhoneNumber, Message, MessageAttributes…;
                                                signed by the wire (Signature Version 4)
    answer 200                                  PublishResponse/PublishResult/MessageId; else ErrorResponse/Error/Code

From botocore's model of the service (2010-03-31). SNS knows no idempotency key for SMS, and reports by its logs only:
a taken message stays taken. `answers.py` begins with the table of what each error code means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.transports.aws_sns import answers, configuring, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class AwsSns(Vendor):
    vendor = "aws_sns"
    provider_types: frozenset[str] | None = frozenset({"SMS"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 600

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return [*configuring.check(configuration), *super().check(provider_type, configuration)]

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages[0])

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return [answers.parse(settings, answer)] * len(messages)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return requests.health_request(settings)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_health(settings, answer)


transport = AwsSns()
