"""Two tenants, every operation, every scope and role: nothing of one is shown to the other or changed by him."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.identity import CAPABILITIES
from tenants.keys import SCOPES
from tenants.models import Role
from tests.api.callers import Caller, key_of
from tests.api.operations import Operation, address_of, models, operations
from tests.prism.tenancies import Filled
from tests.prism.test_two_tenants import everything_of
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

IF_MATCH = {"If-Match": "*"}


@pytest.fixture
def administrator(two: tuple[Filled, Filled]) -> Iterator[Caller]:
    key = key_of(two[0].tenant.pk, name="everything")
    with as_web_process():
        yield Caller(key)


def addresses(filled: Filled, wanted: list[Operation]) -> dict[Operation, str]:
    with as_owner():
        return {operation: address_of(operation, filled) for operation in wanted}


def test_every_operation_says_what_it_takes() -> None:
    open_to_all = [operation.label for operation in operations() if operation.scope not in SCOPES]
    assert open_to_all == ["GET problems"]
    assert len(operations()) > 50


def test_lists_show_the_own_rows_only(two: tuple[Filled, Filled], administrator: Caller) -> None:
    mine, theirs = two
    shown = 0
    for operation in operations():
        if operation.method == "GET" and not operation.parameters:
            text = administrator.get(operation.path).content.decode()
            assert theirs.mark.lower() not in text.lower(), operation.label
            shown += mine.mark.lower() in text.lower()
    assert shown >= 7


def test_foreign_rows_are_not_there_and_stay_as_they_are(two: tuple[Filled, Filled], administrator: Caller) -> None:
    theirs = two[1]
    before = everything_of(theirs)
    for operation, address in addresses(theirs, [one for one in operations() if one.parameters]).items():
        body: Any = None if operation.method in ("GET", "DELETE") else {}
        answer = administrator.send(operation.method, address, body, headers=IF_MATCH)
        # A contact is no row of its own: of one that nobody knows there simply is no history.
        empty = answer.status_code == 200 and answer.json().get("results") == []
        # What a body lacks may be told before its address is looked up; it tells nothing of the row.
        assert empty or answer.status_code in (404, 422, 428), (operation.label, answer.status_code, answer.content)
        assert theirs.mark.lower() not in answer.content.decode().lower(), operation.label
    assert everything_of(theirs) == before


def test_rows_of_another_tenant_cannot_be_named_in_a_body(two: tuple[Filled, Filled], administrator: Caller) -> None:
    _mine, theirs = two
    with as_owner():
        found = {
            room: str(model.objects.filter(tenant_id=theirs.tenant.pk).values_list("pk", flat=True).first())
            for room, model in models().items()
        }
    body = {
        "journey_name": "taken",
        "segments": [found["segments"]],
        "providers": [{"provider_id": found["providers"], "template_id": found["templates"], "field_mappings": {}}],
    }
    assert administrator.post("campaigns", {**body, "owner": f"{theirs.mark.lower()}-admin"}).status_code == 422
    codes = {error["field"]: error["code"] for error in administrator.post("campaigns", body).json()["errors"]}
    assert codes == {
        "segments": "unknown",
        "providers.0.provider_id": "unknown",
        "providers.0.template_id": "unknown",
    }
    asked = {"template_id": found["templates"], "field_mappings": {}}
    assert administrator.post("mappings/validate", asked).status_code == 422


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_own_operations_only(two: tuple[Filled, Filled], scope: str) -> None:
    caller = Caller(key_of(two[0].tenant.pk, scope, name=f"only {scope}"))
    foreign = addresses(two[1], operations())
    with as_web_process():
        for operation, address in foreign.items():
            answer = caller.send(operation.method, address, headers=IF_MATCH)
            assert_allowed(operation, answer, scope == operation.scope)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_it_may(two: tuple[Filled, Filled], role: Role) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids[role]))
    foreign = addresses(two[1], operations())
    with as_web_process():
        for operation, address in foreign.items():
            answer = client.generic(operation.method, f"/api/{address}", headers=IF_MATCH)
            assert_allowed(operation, answer, operation.scope in CAPABILITIES[role])


def assert_allowed(operation: Operation, answer: Any, allowed: bool) -> None:
    assert answer.status_code < 500, operation.label
    refused = answer.status_code == 403 and answer.json()["code"] == "missing_scope"
    assert refused == (not allowed and bool(operation.scope)), (operation.label, answer.status_code, answer.content)


def test_nobody_gets_in_without_credentials(two: tuple[Filled, Filled]) -> None:
    foreign = addresses(two[1], operations())
    with as_web_process():
        for operation, address in foreign.items():
            answer = Client().generic(operation.method, f"/api/{address}", headers=IF_MATCH)
            assert answer.status_code == (401 if operation.scope else 200), operation.label
        for address in ("schema", "docs"):
            assert Client().get(f"/api/{address}").status_code in (302, 401)


def test_somebody_without_an_organisation_gets_nothing(two: tuple[Filled, Filled]) -> None:
    client = Client()
    client.force_login(User.objects.create(username="stranger", is_staff=True))
    with as_web_process():
        for operation in operations():
            if operation.scope and not operation.parameters:
                answer = client.generic(operation.method, f"/api/{operation.path}")
                assert answer.status_code in (401, 403), operation.label
