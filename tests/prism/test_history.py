"""The audit trail: every change of configuration leaves a line, whoever makes it and however."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from audiences.models import Segment
from campaigns.models import Campaign, CampaignSegment
from prism.history import triggers
from prism.history.recording import RECORDED, columns_of
from prism.models import Change
from providers.models import ProviderSecret
from tenants.keys import mint_key
from tenants.models import Role
from tenants.origin import origin
from tenants.scope import tenant_scope
from tests.factories import (
    CampaignFactory,
    MembershipFactory,
    ProviderFactory,
    ProviderSecretFactory,
    SegmentFactory,
    TenantFactory,
    UserFactory,
)
from tests.prism.pages import words_of
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

SECRET_COLUMNS = {"digest", "value", "password"}


def lines(kind: str, **of: Any) -> list[Change]:
    return list(Change.objects.filter(kind=kind, **of).order_by("at"))


def test_every_trigger_is_installed_in_its_newest_form() -> None:
    assert triggers.stale(connection) == []
    assert triggers.install(connection) == 0


def test_installing_mends_a_trigger_that_somebody_took_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'segments'::regclass AND tgname ~ 'update'")
        cursor.execute(f"ALTER TABLE segments DISABLE TRIGGER {cursor.fetchone()[0]}")
    assert triggers.stale(connection) == ["segments: update_update"]
    assert triggers.install(connection) == 1
    assert triggers.stale(connection) == []


def test_adding_changing_and_deleting_leave_a_line_each() -> None:
    segment = SegmentFactory.create(code="vip", name="VIP")
    segment.name = "Best"
    segment.save()
    key = str(segment.pk)
    segment.delete()
    added, changed, deleted = lines("audiences.segment")
    assert [one.deed for one in (added, changed, deleted)] == ["insert", "update", "delete"]
    assert {one.object_id for one in (added, changed, deleted)} == {key}
    assert (added.row["code"], added.changes) == ("vip", None)
    assert changed.changes == {"name": ["VIP", "Best"]}
    assert deleted.row["name"] == "Best"


def test_changes_of_many_rows_at_once_are_seen_too() -> None:
    tenant = TenantFactory.create()
    Segment.objects.bulk_create([Segment(tenant=tenant, code=f"s{n}", name=f"S{n}") for n in range(3)])
    Segment.objects.filter(tenant=tenant).update(is_active=False)
    deeds = [one.deed for one in lines("audiences.segment", tenant_id=tenant.pk)]
    assert deeds == ["insert"] * 3 + ["update"] * 3


def test_what_processes_write_by_themselves_is_no_change_of_configuration() -> None:
    campaign, provider = CampaignFactory.create(), ProviderFactory.create()
    Campaign.objects.filter(pk=campaign.pk).update(control_frozen_at="2026-01-01T00:00Z")
    provider.health = "failing"
    provider.save()
    assert len(lines("campaigns.campaign")) == len(lines("providers.provider")) == 1


def test_no_secret_and_no_digest_is_kept_yet_its_change_is_seen() -> None:
    secret = ProviderSecretFactory.create(value="first-plain")
    ProviderSecret.objects.filter(pk=secret.pk).update(value="second-plain")
    mint_key(tenant_id=secret.tenant_id, name="crm", scopes=["view"])
    person = UserFactory.create()
    person.set_password("another long secret")
    person.save()
    assert lines("providers.providersecret")[-1].changes == {"value": None}
    assert lines("auth.user", object_id=str(person.pk))[-1].changes == {"password": None}
    for one in RECORDED:
        assert not SECRET_COLUMNS & set(columns_of(one))
    for line in Change.objects.all():
        assert not SECRET_COLUMNS & set(line.row)
        assert "gAAAA" not in f"{line.row} {line.changes}"


def test_a_page_names_the_person_and_the_request() -> None:
    member = MembershipFactory.create(role=Role.AUTHOR)
    client = Client()
    client.force_login(member.user)
    with as_web_role():
        url = reverse("admin:audiences_segment_add")
        answer = client.post(
            url, {"code": "new", "name": "New", "is_active": "on"}, headers={"X-Correlation-ID": "c-1"}
        )
    assert answer.status_code == 302
    (line,) = lines("audiences.segment")
    assert (line.user_id, line.tenant_id) == (member.user_id, member.tenant_id)
    assert (line.context["path"], line.context["request"]) == (url, "c-1")


def test_a_program_is_named_by_its_key_and_a_process_by_its_command() -> None:
    segment = SegmentFactory.create()
    with origin(key=7, path="/api/segments"), tenant_scope(segment.tenant_id):
        Segment.objects.filter(pk=segment.pk).update(name="Renamed")
    by_process, by_program = lines("audiences.segment")
    assert by_process.context["program"], "whatever started this process"
    assert "user" not in by_process.context
    assert by_program.context["key"] == 7


def test_the_web_role_can_neither_make_nor_change_nor_remove_a_line() -> None:
    segment = SegmentFactory.create()
    with as_web_role(), tenant_scope(segment.tenant_id, operator=True, superuser=True), connection.cursor() as cursor:
        for statement in (
            "INSERT INTO segments_events (pgh_label) VALUES ('insert')",
            "UPDATE segments_events SET pgh_label = 'x'",
            "DELETE FROM segments_events",
            "TRUNCATE segments_events",
            "ALTER TABLE segments DISABLE TRIGGER ALL",
        ):
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(statement)
        cursor.execute("SET LOCAL pgtrigger.ignore = '{}'")
        Segment.objects.filter(pk=segment.pk).update(name="Quietly")
        assert [line.deed for line in lines("audiences.segment")] == ["insert", "update"]


def test_lines_of_another_organisation_are_out_of_reach() -> None:
    mine, theirs = SegmentFactory.create(), SegmentFactory.create()
    stranger = MembershipFactory.create(tenant=theirs.tenant)
    with as_web_role(), tenant_scope(mine.tenant_id, operator=True):
        assert {line.tenant_id for line in Change.objects.exclude(kind="auth.user")} == {mine.tenant_id}
        assert not lines("auth.user", object_id=str(stranger.user_id))
    with as_owner_role():
        assert lines("auth.user", object_id=str(stranger.user_id))


def signed_in(role: Role = Role.ADMIN, **member: Any) -> tuple[Client, Any]:
    made = MembershipFactory.create(role=role, **member)
    client = Client(headers={"accept-language": "pt-br"})
    client.force_login(made.user)
    return client, made.tenant


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(words_of(response.content.decode()).split())


def test_the_page_of_a_row_says_in_words_what_changed() -> None:
    client, tenant = signed_in()
    campaign = CampaignFactory.create(tenant=tenant, name="natal")
    segment = SegmentFactory.create(tenant=tenant, name="VIP")
    link = CampaignSegment.objects.create(tenant=tenant, campaign=campaign, segment=segment)
    Campaign.objects.filter(pk=campaign.pk).update(
        is_active=False, dispatch_mode="ASYNC", week_days="1,5", trigger_time="14:30", start_date="2026-12-24"
    )
    link.delete()
    with as_web_role():
        page = text_of(client.get(reverse("admin:campaigns_campaign_history", args=[campaign.pk])))
    assert "Ativa Sim → Não" in page or "Ativo Sim → Não" in page
    for words in ("segunda-feira, sexta-feira", "14:30", "24/12/2026", "natal · VIP", "Excluído"):
        assert words.lower() in page.lower(), words
    assert "ASYNC" not in page
    assert str(segment.pk) not in page


def test_the_whole_history_is_the_administrators_and_names_what_is_gone() -> None:
    client, tenant = signed_in()
    segment = SegmentFactory.create(tenant=tenant, name="Passado")
    segment.delete()
    SegmentFactory.create(name="Alheio")
    with as_web_role():
        page = text_of(client.get(reverse("admin:prism_change_changelist")))
        narrowed = text_of(client.get(reverse("admin:prism_change_changelist"), {"kind": "tenants.membership"}))
    assert "Passado" in page
    assert "Alheio" not in page
    assert "Passado" not in narrowed
    for role in (Role.VIEWER, Role.AUTHOR, Role.OPERATOR):
        other, _tenant = signed_in(role)
        with as_web_role():
            assert other.get(reverse("admin:prism_change_changelist")).status_code == 403


def test_a_long_history_takes_no_more_queries_than_a_short_one(django_assert_max_num_queries: Any) -> None:
    client, tenant = signed_in()
    campaign = CampaignFactory.create(tenant=tenant)
    counted = []
    for _round in range(2):
        for number in range(60):
            segment = SegmentFactory.create(tenant=tenant)
            CampaignSegment.objects.create(tenant=tenant, campaign=campaign, segment=segment)
            Campaign.objects.filter(pk=campaign.pk).update(description=f"{_round} {number}")
        with as_web_role():
            for url in (
                reverse("admin:prism_change_changelist"),
                reverse("admin:campaigns_campaign_history", args=[campaign.pk]),
            ):
                with django_assert_max_num_queries(40) as queries:
                    text_of(client.get(url))
                counted.append(len(queries))
    assert counted[:2] == counted[2:]


def test_older_lines_are_a_click_away() -> None:
    client, tenant = signed_in()
    segment = SegmentFactory.create(tenant=tenant, name="First of all")
    for number in range(60):
        Segment.objects.filter(pk=segment.pk).update(name=f"n{number}")
    url = reverse("admin:audiences_segment_history", args=[segment.pk])
    with as_web_role():
        first = client.get(url)
        (older,) = re.findall(r"\?before=[^\"]+", first.content.decode())
        assert "First of all" not in text_of(first)
        assert "First of all" in text_of(client.get(url + older))
        assert client.get(url, {"before": "nonsense"}).status_code == 200


def test_every_recorded_kind_is_shown() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_viewdef('configuration_changes'::regclass)")
        (definition,) = cursor.fetchone()
    for one in RECORDED:
        assert f"'{one.kind}:'" in definition
        assert f"FROM {one.model._meta.db_table}_events" in definition
