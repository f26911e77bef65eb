"""From a provider's row to what workers use, with the documented defaults."""

from __future__ import annotations

from typing import Any

import pytest

from providers.settings import ProviderSettings, resolve
from tests.providers.makers import ALLOW_LIST, CANARY, GATEWAY, VARIABLE


def resolved(configuration: dict[str, Any], **row: Any) -> ProviderSettings:
    return resolve(
        provider_id="p",
        tenant_id=7,
        provider_type="WHATSAPP",
        configuration=configuration,
        secrets={},
        allow_list=ALLOW_LIST,
        environment={VARIABLE: CANARY},
        **row,
    )


def test_the_defaults_are_the_contracts() -> None:
    settings = resolved(GATEWAY)
    assert (settings.vendor, settings.provider_type, settings.tenant_id) == ("gateway", "WHATSAPP", 7)
    assert (settings.concurrency, settings.slots) == (64, 256)
    assert (settings.timeout_ms, settings.connect_timeout_ms) == (15_000, 5_000)
    assert (settings.max_attempts, settings.base_delay_s, settings.max_delay_s) == (3, 1.0, 30.0)
    assert (settings.idempotent, settings.per_minute, settings.problem) == (False, None, None)


def test_every_knob_of_the_configuration_counts() -> None:
    knobs = {
        "concurrency": 10,
        "timeout_ms": 3_000,
        "connect_timeout_ms": 400,
        "idempotent": True,
        "retry": {"max_attempts": 7, "base_delay_ms": 250, "max_delay_ms": 1_500},
    }
    settings = resolved({**GATEWAY, **knobs}, max_messages_per_minute=90)
    assert (settings.concurrency, settings.slots) == (10, 40)
    assert (settings.timeout_ms, settings.connect_timeout_ms) == (3_000, 400)
    assert (settings.max_attempts, settings.base_delay_s, settings.max_delay_s) == (7, 0.25, 1.5)
    assert (settings.idempotent, settings.per_minute) == (True, 90)


@pytest.mark.parametrize(("batch", "size", "slots"), [(None, 1, 256), (10, 10, 256), (100, 100, 400)])
def test_a_vendor_that_takes_many_at_once_has_room_for_full_requests(batch: int | None, size: int, slots: int) -> None:
    configuration = GATEWAY if batch is None else {**GATEWAY, "batch": {"max_messages": batch}}
    settings = resolved(configuration)
    assert (settings.batch_size, settings.slots) == (size, slots)
    odd: list[Any] = ["many", {"max_messages": "many"}, [], {"most": 1}]
    for nonsense in odd:
        assert resolved({**GATEWAY, "batch": nonsense}).batch_size == 1


def test_where_a_vendor_reports_to_is_its_own_address_or_the_one_below_the_public() -> None:
    assert resolved(GATEWAY).webhook_url == ""
    assert resolved(GATEWAY, public_url="https://us.example").webhook_url == "https://us.example/webhooks/p"
    own = {**GATEWAY, "webhook_url": "https://own.example/w"}
    assert resolved(own).webhook_url == resolved(own, public_url="https://us.example").webhook_url
    assert resolved(own).webhook_url == "https://own.example/w"


def test_the_moment_from_which_a_delivery_is_overdue_is_the_vendors_or_the_rows() -> None:
    assert resolved(GATEWAY).overdue_after_s is None
    assert resolved({**GATEWAY, "overdue_after_minutes": 20}).overdue_after_s == 1200


@pytest.mark.parametrize("nonsense", ["64", 0, -3, None, True, 2.5, [], {}])
def test_a_knob_written_around_the_form_is_the_default(nonsense: Any) -> None:
    configuration = {**GATEWAY, "concurrency": nonsense, "timeout_ms": nonsense, "retry": nonsense}
    settings = resolved(configuration)
    assert (settings.concurrency, settings.timeout_ms, settings.max_attempts) == (64, 15_000, 3)
    assert resolved({**GATEWAY, "retry": {"max_attempts": nonsense}}).max_attempts == 3
    assert resolved({**GATEWAY, "idempotent": nonsense}).idempotent is (nonsense is True)


@pytest.mark.parametrize("vendor", [None, "pigeon", 3, ["gateway"]])
def test_an_unknown_vendor_is_this_providers_problem(vendor: Any) -> None:
    settings = resolved({**GATEWAY, "provider_vendor": vendor})
    assert settings.vendor == ""
    assert "blip, console, " in (settings.problem or "")
