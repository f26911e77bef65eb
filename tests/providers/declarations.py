"""What the conformance kit is told of a vendor: tests/providers/vendors/<vendor>.py, one for each in the registry.

Beside the names that `makers.of_vendor` knows, a vendor's file says how it meets the simulator:
  simulated(url)   its configuration, pointed at the simulator at that address (of mail: smtp://…)
  TOLD             the credential that the simulator insists on, in the dialect's spelling ("" for none)
  RECIPIENT        an address with {} where the name of a behaviour goes; without it a phone number is made
  MESSAGE          fields of its messages, where they need some
  EXPECTED         outcomes that differ from `EXPECTED` below, by behaviour: a Kind, or a Kind and its reason
  message_id(taken)  what we call a message, where that is not what the vendor calls it alone
  heard(settings, report, now)  its call to us, where it reports by calling; TELLS, which statuses it knows; SIGNS_BODY,
                   False where a header is all that proves it; KNOWS_TIME, True where an old call is refused;
                   SIGNS_WITH_OURS, False where the key is the vendor's own
  BATCH            what its configuration needs for several messages in one request
  SEVERAL          behaviours that may meet there
  LONGEST_WAIT_S   how long it may ask us to wait, where that is more than a few seconds
  hearing()        its configuration where it reports, where that is not so at the simulator
  DIALECT          its dialect, where `providers.sandbox.dialects` has none of its name
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.sandbox import mail
from providers.sandbox.behaviours import BY_NAME
from providers.sandbox.dialects import DIALECTS
from providers.sandbox.dialects.dialect import Dialect
from providers.sandbox.vendor import Taken
from providers.settings import ProviderSettings, resolve
from providers.transports import Transport
from tests.providers import makers

Expected = Kind | tuple[Kind, str]

PUBLIC_URL = "https://prism.example"
SENDS_NOTHING = {"console"}
"""Vendors that nothing leaves to: the simulator has nothing to say."""

# What a behaviour ends in, for a vendor that says nothing else.
EXPECTED: dict[str, Expected] = {
    "accept": Kind.ACCEPTED,
    "slow-50": Kind.ACCEPTED,
    "reject": Kind.REJECTED,
    "unicode-error": Kind.REJECTED,
    "unauthorized": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "invalid": Kind.RECIPIENT_INVALID,
    "opted-out": (Kind.OPTED_OUT, "OPTED_OUT"),
    "failed-in-200": Kind.REJECTED,
    "429": (Kind.DEFERRED, "RATE_LIMITED"),
    "429-bare": (Kind.DEFERRED, "RATE_LIMITED"),
    "500": Kind.UNKNOWN,
    "echo": Kind.UNKNOWN,
    "502": (Kind.UNKNOWN, "BAD_GATEWAY"),
    "503": (Kind.DEFERRED, "UNAVAILABLE"),
    "504": (Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
    "html": Kind.UNKNOWN,
    "redirect": (Kind.CONFIGURATION, "HTTP_307"),
    "no-id": (Kind.UNKNOWN, "NO_MESSAGE_ID"),
    "empty": Kind.UNKNOWN,
    "not-json": Kind.UNKNOWN,
    "huge": (Kind.UNKNOWN, "TOO_LARGE"),
    "close": Kind.UNKNOWN,
    "cut": Kind.UNKNOWN,
    "reset": Kind.UNKNOWN,
    "hang-before": (Kind.UNKNOWN, "TIMEOUT"),
    "hang-after": (Kind.UNKNOWN, "TIMEOUT"),
    "hang-inside": (Kind.UNKNOWN, "TIMEOUT"),
}
SILENCES = ("hang-before", "hang-after", "hang-inside")


@dataclass(frozen=True)
class Declaration:
    vendor: str
    provider_type: str
    simulated: Callable[[str], dict[str, Any]]
    credentials: Mapping[str, str]
    told: str
    recipient: str
    fields: Mapping[str, Any]
    expected: Mapping[str, Expected]
    message_id: Callable[[Taken], str]
    dialect: Dialect
    longest_wait_s: float

    @property
    def goes_by_mail(self) -> bool:
        """The simulator's mail server takes it, and no request is made."""
        return self.dialect is mail.dialect

    @property
    def transport(self) -> Transport:
        return TRANSPORTS[self.vendor]

    def settings(self, url: str, **changes: Any) -> ProviderSettings:
        """Of a provider at the simulator."""
        return self.resolved({**self.simulated(url), **changes})

    def resolved(self, configuration: dict[str, Any]) -> ProviderSettings:
        variables = makers.variables_of(configuration)
        return resolve(
            provider_id="0198f3a0-0000-7000-8000-00000000000a",
            tenant_id=1,
            provider_type=self.provider_type,
            configuration=configuration,
            secrets={},
            allow_list=tuple(variables.values()),
            public_url=PUBLIC_URL,
            webhook_key="the tests' own key",
            environment={name: self.credentials.get(path, makers.CANARY) for path, name in variables.items()},
        )

    def address(self, behaviour: str) -> str:
        if self.recipient:
            return self.recipient.format(behaviour)
        name = behaviour if behaviour in BY_NAME else behaviour.rpartition("-")[0]
        return f"5511970000{BY_NAME[name].phone_code}"

    def outcome_of(self, behaviour: str) -> tuple[Kind, str | None]:
        """The kind, and the reason where it is declared."""
        expected = self.expected.get(behaviour, EXPECTED[behaviour])
        return expected if isinstance(expected, tuple) else (expected, None)


def is_declared(vendor: str) -> bool:
    return hasattr(makers.of_vendor(vendor), "simulated")


@functools.cache
def of(vendor: str) -> Declaration:
    module = makers.of_vendor(vendor)
    assert module is not None, f"tests/providers/vendors/{vendor}.py is missing (docs/adding-a-provider.md)"
    assert is_declared(vendor), f"tests/providers/vendors/{vendor}.py does not say how it meets the simulator"
    return Declaration(
        vendor=vendor,
        provider_type=makers.type_of(vendor),
        simulated=module.simulated,
        credentials=getattr(module, "CREDENTIALS", {}),
        told=getattr(module, "TOLD", makers.CANARY),
        recipient=getattr(module, "RECIPIENT", ""),
        fields=getattr(module, "MESSAGE", {}),
        expected=getattr(module, "EXPECTED", {}),
        message_id=getattr(module, "message_id", lambda taken: taken.message_id),
        dialect=getattr(module, "DIALECT", None) or DIALECTS[vendor],
        longest_wait_s=getattr(module, "LONGEST_WAIT_S", 5),
    )
