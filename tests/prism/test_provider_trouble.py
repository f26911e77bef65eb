"""A provider in trouble is seen wherever people look, with the web role's rights, and an operator may resume it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from prism.doctor.vendors import providers_are_in_use
from providers.circuit_words import told_of
from providers.circuits import ProviderCircuit, State
from providers.models import Provider
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(two: tuple[Filled, Filled]) -> Iterator[Client]:
    made = Client(headers={"accept-language": "en"})
    sign_in(made, two[0], "operator")
    with as_web_role():
        yield made


def sign_in(client: Client, filled: Filled, role: str) -> None:
    client.force_login(User.objects.get(pk=filled.user_ids[role]))


def provider_of(filled: Filled) -> Provider:
    with as_owner_role():
        found: Provider = Provider.objects.get(tenant=filled.tenant)
    return found


def circuit_of(filled: Filled) -> ProviderCircuit:
    with as_owner_role():
        return ProviderCircuit.objects.get(tenant=filled.tenant)


def change(filled: Filled, **fields: object) -> None:
    with as_owner_role():
        ProviderCircuit.objects.filter(tenant=filled.tenant).update(**fields)


def test_page_list_home_and_operations_tell_of_the_trouble(two: tuple[Filled, Filled], client: Client) -> None:
    page = reverse("admin:providers_provider_change", args=[provider_of(two[0]).pk])
    for address in (
        page,
        reverse("admin:providers_provider_changelist"),
        reverse("admin:index"),
        reverse("operations"),
    ):
        text = client.get(address).content.decode()
        assert "the vendor does not take the credential" in text, address
        assert "Paused" in text, address
    assert "saving it resumes the provider" in client.get(page).content.decode()


def test_an_operator_is_asked_resumes_and_leaves_a_trace(two: tuple[Filled, Filled], client: Client) -> None:
    provider = provider_of(two[0])
    address = reverse("admin:providers_provider_resume", args=[provider.pk])
    page = reverse("admin:providers_provider_change", args=[provider.pk])
    assert address in client.get(page).content.decode()
    asked = client.get(address)
    assert "Use “Acmeum gateway” again now?" in asked.content.decode()
    assert circuit_of(two[0]).state == State.PAUSED, "asking does nothing"
    assert client.post(address).status_code == 302
    found = circuit_of(two[0])
    assert (found.state, found.closed_by) == (State.CLOSED, User.objects.get(pk=two[0].user_ids["operator"]).username)
    with as_owner_role():
        assert LogEntry.objects.filter(object_id=str(provider.pk), change_message__contains="Resumed").count() == 1
    assert address not in client.get(page).content.decode()
    assert client.post(address).status_code == 302, "a second press changes nothing"


@pytest.mark.parametrize("role", ["viewer", "author"])
def test_who_does_not_operate_sees_it_and_resumes_nothing(
    two: tuple[Filled, Filled], client: Client, role: str
) -> None:
    with as_owner_role():
        sign_in(client, two[0], role)
    provider = provider_of(two[0])
    address = reverse("admin:providers_provider_resume", args=[provider.pk])
    text = client.get(reverse("admin:providers_provider_change", args=[provider.pk])).content.decode()
    assert "the vendor does not take the credential" in text
    assert address not in text
    assert client.post(address).status_code == 403
    assert circuit_of(two[0]).state == State.PAUSED


def test_another_organisations_provider_is_out_of_reach(two: tuple[Filled, Filled], client: Client) -> None:
    address = reverse("admin:providers_provider_resume", args=[provider_of(two[1]).pk])
    assert client.post(address).status_code in (302, 404)
    assert circuit_of(two[1]).state == State.PAUSED


def test_the_web_role_writes_no_circuit(two: tuple[Filled, Filled], client: Client) -> None:
    for statement in ("UPDATE provider_circuits SET state = 'closed'", "DELETE FROM provider_circuits"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_changed_configuration_resumes_by_the_web_role_too(two: tuple[Filled, Filled], client: Client) -> None:
    with as_owner_role():
        sign_in(client, two[0], "author")
    provider = provider_of(two[0])
    client.get(reverse("admin:providers_provider_change", args=[provider.pk]))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('prism.tenant', %s, true)", [str(two[0].tenant.pk)])
        cursor.execute(
            "UPDATE providers SET configuration = configuration || '{\"timeout_ms\": 4000}' WHERE id = %s",
            [provider.pk],
        )
    assert circuit_of(two[0]).state == State.CLOSED
    assert circuit_of(two[1]).state == State.PAUSED


def test_doctor_names_it_with_what_to_do(two: tuple[Filled, Filled]) -> None:
    findings = list(providers_are_in_use())
    assert len(findings) == 2
    assert "Acmeum gateway" in findings[0].what + findings[1].what
    ProviderCircuit.objects.update(state="closed")
    assert not list(providers_are_in_use())


def test_each_state_is_told_with_what_comes_next(two: tuple[Filled, Filled]) -> None:
    now = timezone.now()
    soon, past = now + dt.timedelta(minutes=5), now - dt.timedelta(seconds=1)
    circuit = circuit_of(two[0])

    def told(state: State, probe_at: dt.datetime, probing_until: dt.datetime | None = None) -> tuple[str, str]:
        circuit.state, circuit.probe_at, circuit.probing_until = state, probe_at, probing_until
        found = told_of(circuit, now)
        return (found.label, found.then.partition(" at ")[0]) if found else ("", "")

    assert told(State.HELD, soon) == ("Waiting for the vendor", "It goes on")
    assert told(State.HELD, past) == ("", "")
    assert told(State.OPEN, soon) == ("Left alone", "One message is tried")
    assert told(State.OPEN, past) == ("Left alone", "The next message that waits is tried alone.")
    assert told(State.OPEN, past, soon)[0] == "Being tried"
    assert told(State.CLOSED, past) == ("", "")
