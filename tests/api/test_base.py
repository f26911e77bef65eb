"""What holds for every address under /api/: who gets in, how errors look, pages, versions. Segments stand for all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audiences.models import Segment
from tenants.models import ApiKey, Tenant
from tests.api.callers import Caller, codes_of, key_of
from tests.factories import MembershipFactory, SegmentFactory, TenantFactory, UserFactory
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEM = "application/problem+json"
VIP = {"code": "vip", "name": "VIP"}


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM), response.content
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/api/problems#{code}")
    assert body["title"] and body["detail"]
    assert body["correlation_id"] == response["X-Correlation-ID"]
    return body


def test_a_key_opens_its_tenant(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        SegmentFactory.create(tenant=tenant, code="mine")
        SegmentFactory.create(tenant=TenantFactory.create(slug="beta"), code="theirs")
    assert [row["code"] for row in caller.get("segments").json()["results"]] == ["mine"]


def test_use_of_a_key_is_recorded(caller: Caller, tenant: Tenant) -> None:
    caller.get("segments")
    with as_owner():
        used = ApiKey.objects.get(tenant=tenant).last_used_at
    assert used is not None
    assert timezone.now() - used < dt.timedelta(minutes=1)


def spoilt(key: str, how: str) -> str:
    return {
        "nothing": "",
        "another scheme": f"Basic {key}",
        "no scheme": key,
        "no key": "Bearer ",
        "not ours": "Bearer eyJhbGciOi",
        "another secret": f"Bearer {key[:-2]}xx",
        "another prefix": f"Bearer prism_000000000000_{key.split('_', 2)[2]}",
    }[how]


@pytest.mark.parametrize(
    "how", ["nothing", "another scheme", "no scheme", "no key", "not ours", "another secret", "another prefix"]
)
def test_bad_keys_are_told_apart_nowhere(caller: Caller, how: str) -> None:
    answer = Client().get("/api/segments", headers={"authorization": spoilt(caller.key, how), "accept-language": "en"})
    body = assert_problem(answer, 401, "unauthenticated")
    assert body["detail"] == "This key opens nothing."
    assert answer["WWW-Authenticate"] == 'Bearer realm="prism"'


def test_a_revoked_key_and_one_of_a_tenant_switched_off_look_the_same(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        ApiKey.objects.update(revoked_at=timezone.now())
        off = key_of(TenantFactory.create(slug="off", is_active=False).pk)
    revoked = caller.get("segments")
    assert_problem(revoked, 401, "unauthenticated")
    assert revoked.json()["detail"] == Caller(off).get("segments").json()["detail"] == "This key opens nothing."


def test_without_credentials_the_door_says_what_it_takes(tenant: Tenant) -> None:
    with as_web_process():
        answer = Client().get("/api/segments")
    assert_problem(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="prism"'


def test_a_key_without_the_scope_is_told_which_one(tenant: Tenant) -> None:
    reader = Caller(key_of(tenant.pk, "view"))
    with as_web_process():
        assert reader.get("segments").status_code == 200
        body = assert_problem(reader.post("segments", VIP), 403, "missing_scope")
    assert "edit" in body["detail"]


def test_a_key_counts_and_not_the_session_beside_it(tenant: Tenant) -> None:
    client = Client()
    client.force_login(UserFactory.create(is_superuser=True))
    reader = key_of(tenant.pk, "view")
    with as_web_process():
        answer = client.post(
            "/api/segments", VIP, content_type="application/json", headers={"authorization": f"Bearer {reader}"}
        )
    assert_problem(answer, 403, "missing_scope")


def test_messages_are_in_the_callers_language_and_portuguese_by_default(caller: Caller) -> None:
    client = Client(headers={"authorization": f"Bearer {caller.key}"})
    told = {
        language: client.get("/api/segments/5", headers={"accept-language": language}).json()["title"]
        for language in ("en", "pt-BR", "ja")
    }
    assert told["en"] == "There is no such thing"
    assert told["pt-BR"] == told["ja"] != told["en"]


@pytest.mark.parametrize("path", ["", "nothing", "segments/", "segments/5", "segments/%00", "segments/x/y/z"])
def test_unknown_addresses_are_problems_too(caller: Caller, path: str) -> None:
    assert_problem(caller.get(path), 404, "not_found")


def test_methods_types_and_representations_that_there_are_not(caller: Caller) -> None:
    refused = caller.send("DELETE", "segments")
    assert_problem(refused, 405, "method_not_allowed")
    assert set(refused["Allow"].split(", ")) >= {"GET", "POST"}
    assert_problem(
        caller.send("POST", "segments", raw=b"a=b", content_type="text/plain"), 415, "unsupported_media_type"
    )
    assert_problem(caller.get("segments", Accept="text/html"), 406, "not_acceptable")


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"code": }',
        b"\xff",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b"[" * 5000,
        b'{"a":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_is_told(caller: Caller, raw: bytes) -> None:
    assert_problem(caller.send("POST", "segments", raw=raw), 400, "malformed_json")


def test_the_place_of_the_mistake_is_told(caller: Caller) -> None:
    body = caller.send("POST", "segments", raw=b'{"code": "vip",\n  "name" "VIP"}').json()
    assert (body["line"], body["column"]) == (2, 10)


def test_a_body_that_is_too_large_is_refused_unread(caller: Caller, settings: Any) -> None:
    settings.API_MAX_BODY_BYTES = 100
    assert_problem(caller.post("segments", {**VIP, "description": "x" * 100}), 413, "too_large")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, {"#/code": "required", "#/name": "required"}),
        ([], {"#": "invalid"}),
        ("vip", {"#": "invalid"}),
        ({"code": 5, "name": None}, {"#/code": "invalid", "#/name": "null"}),
        ({"code": "", "name": " "}, {"#/code": "blank", "#/name": "blank"}),
        ({**VIP, "is_active": "yes"}, {"#/is_active": "invalid"}),
        ({**VIP, "code": "x" * 101}, {"#/code": "max_length"}),
        ({**VIP, "nmae": "x", "a/b~": 1}, {"#/nmae": "unknown_field", "#/a~1b~0": "unknown_field"}),
        ({**VIP, "id": "x", "created_by": "me"}, {"#/id": "read_only", "#/created_by": "read_only"}),
        ({**VIP, "name": "a\x00b"}, {"#/name": "unstorable_character"}),
        ({**VIP, "name": "\ud800"}, {"#/name": "unstorable_character"}),
        ({**VIP, "\x00": 1}, {"#": "unstorable_character"}),
    ],
)
def test_every_wrong_field_is_told_with_its_pointer_and_a_code(caller: Caller, body: Any, told: dict[str, str]) -> None:
    answer = caller.post("segments", body)
    assert_problem(answer, 422, "invalid")
    assert codes_of(answer) == told
    assert not any("tenant" in error["detail"] for error in answer.json()["errors"])


def test_what_is_taken_is_told_at_its_field(caller: Caller) -> None:
    assert caller.post("segments", VIP).status_code == 201
    answer = caller.post("segments", {**VIP, "name": "Other"})
    assert codes_of(answer) == {"#/code": "unique"}


def test_a_row_is_made_read_changed_and_deleted_by_its_version(caller: Caller) -> None:
    made = caller.post("segments", VIP)
    assert made.status_code == 201
    place, etag = made["Location"].removeprefix("/api/"), made["ETag"]
    read = caller.get(place)
    assert (read.json(), read["ETag"]) == (made.json(), etag)
    assert read.json()["created_by"] == "API: crm"
    changed = caller.patch(place, {"name": "Very"}, etag)
    assert (changed.status_code, changed.json()["name"], changed.json()["code"]) == (200, "Very", "vip")
    assert_problem(caller.patch(place, {"name": "Other"}, etag), 412, "precondition_failed")
    assert_problem(caller.delete(place, etag), 412, "precondition_failed")
    assert caller.delete(place, changed["ETag"]).status_code == 204
    assert_problem(caller.get(place), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_whoever_changes_says_which_version(caller: Caller, method: str) -> None:
    place = caller.post("segments", VIP)["Location"].removeprefix("/api/")
    assert_problem(caller.send(method, place, VIP), 428, "precondition_required")
    assert caller.send(method, place, VIP, headers={"If-Match": "*"}).status_code in (200, 204)


def test_a_put_is_the_whole_and_may_repeat_what_it_cannot_change(caller: Caller) -> None:
    made = caller.post("segments", {**VIP, "description": "text", "is_active": False})
    place = made["Location"].removeprefix("/api/")
    put = caller.put(place, {**made.json(), "name": "Very"}, made["ETag"])
    assert (put.status_code, put.json()["description"]) == (200, "text")
    bare = caller.put(place, VIP, put["ETag"])
    assert (bare.json()["description"], bare.json()["is_active"]) == ("", True)
    assert codes_of(caller.put(place, {**VIP, "created_by": "me"}, bare["ETag"])) == {"#/created_by": "read_only"}


def test_what_is_known_already_is_not_sent_again(caller: Caller) -> None:
    made = caller.post("segments", VIP)
    place = made["Location"].removeprefix("/api/")
    again = caller.get(place, **{"If-None-Match": made["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", made["ETag"])
    caller.patch(place, {"name": "Very"}, made["ETag"])
    assert caller.get(place, **{"If-None-Match": made["ETag"]}).status_code == 200


def test_pages_show_every_row_once_while_rows_come_and_go(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        rows = SegmentFactory.create_batch(6, tenant=tenant)
    first = caller.get("segments?limit=2")
    assert first["Link"].startswith("</api/segments?limit=2&cursor=")
    with as_owner():
        SegmentFactory.create_batch(2, tenant=tenant)
        rows[0].delete()
    second = caller.get(f"segments?limit=2&cursor={first.json()['next_cursor']}").json()
    third = caller.get(f"segments?limit=2&cursor={second['next_cursor']}").json()
    seen = [row["code"] for page in (first.json(), second, third) for row in page["results"]]
    assert seen == [row.code for row in reversed(rows[1:])]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", {"limit": "out_of_range"}),
        ("limit=201", {"limit": "out_of_range"}),
        ("limit=x", {"limit": "out_of_range"}),
        ("cursor=abc", {"cursor": "invalid_cursor"}),
        ("is_active=perhaps", {"is_active": "invalid_choice"}),
        ("activ=true", {"activ": "unknown_parameter"}),
        ("code=a&code=b", {"code": "repeated"}),
        ("code=", {"code": "blank"}),
        ("code=%00", {"code": "null_characters_not_allowed"}),
    ],
)
def test_parameters_that_are_wrong_or_unknown_are_told(caller: Caller, query: str, told: dict[str, str]) -> None:
    answer = caller.get(f"segments?{query}")
    assert_problem(answer, 400, "invalid_parameters")
    assert codes_of(answer) == told


def test_filters_narrow(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        for code, active in (("on", True), ("off", False)):
            SegmentFactory.create(tenant=tenant, code=code, is_active=active)
    assert [row["code"] for row in caller.get("segments?is_active=false").json()["results"]] == ["off"]
    assert [row["code"] for row in caller.get("segments?code=on").json()["results"]] == ["on"]


def test_a_caller_that_asks_too_often_waits_and_others_do_not(caller: Caller, tenant: Tenant, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    with as_owner():
        other = Caller(key_of(tenant.pk, name="other"))
    answers = [caller.get("segments") for _ in range(4)]
    assert [answer.status_code for answer in answers].count(429) >= 1 or answers[-1]["RateLimit-Remaining"] == "0"
    refused = answers[-1]
    if refused.status_code == 429:
        assert_problem(refused, 429, "too_many_requests")
        assert 1 <= int(refused["Retry-After"]) <= 60
    assert other.get("segments")["RateLimit-Remaining"] == "1"


def test_an_address_that_tries_keys_is_slowed_down_and_good_keys_are_not(caller: Caller, settings: Any) -> None:
    settings.API_BAD_KEYS_PER_MINUTE = 2
    bad = Caller("prism_000000000000_x")
    assert [bad.get("segments").status_code for _ in range(5)].count(429) >= 1
    assert caller.get("segments").status_code == 200


def test_a_signed_in_person_needs_the_csrf_token_to_change_something(tenant: Tenant) -> None:
    user = MembershipFactory.create(tenant=tenant).user
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    with as_web_process():
        assert client.get("/api/segments").status_code == 200
        answer = client.post("/api/segments", VIP, content_type="application/json")
        assert_problem(answer, 403, "csrf_failed")
        client.cookies["csrftoken"] = "a" * 32
        made = client.post("/api/segments", VIP, content_type="application/json", headers={"x-csrftoken": "a" * 32})
        assert (made.status_code, made.json()["created_by"]) == (201, user.username)


def test_what_fails_is_rolled_back_and_told_without_details(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Segment, *_args: Any, **_kwargs: Any) -> None:
        super(Segment, self).save()
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(Segment, "save", fail)
    body = assert_problem(caller.post("segments", VIP), 500, "internal_error")
    assert "secret" not in str(body)
    with as_owner():
        assert not Segment.objects.exists()


def test_two_who_make_the_same_at_once_hear_of_a_conflict(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller.post("segments", VIP).status_code == 201
    monkeypatch.setattr(Segment, "full_clean", lambda _self: None)
    assert_problem(caller.post("segments", VIP), 409, "conflict")
