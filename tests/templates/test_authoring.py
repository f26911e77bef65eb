from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import translation

from templates.authoring import save_template
from templates.checks import MAX_TEXT, MAX_VARIANTS
from templates.models import MessageTemplate, TemplateVersion
from templates.notices import notices_of
from tenants.usage import delete_unused
from tests.factories import CampaignProviderTemplateFactory, TemplateFactory, TenantFactory

pytestmark = pytest.mark.django_db


def errors_of(template: MessageTemplate) -> dict[str, list[str]]:
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        save_template(template, by="ana")
    with translation.override("en"):
        return caught.value.message_dict


def test_placeholders_come_from_subject_body_and_variants() -> None:
    template = TemplateFactory(subject="{{a}}", body="{{b}} {{a}}", variants=["{{c}}"])
    template.refresh_from_db()
    assert template.placeholders == ["a", "b", "c"]


def test_only_a_change_of_content_makes_a_version() -> None:
    template = TemplateFactory(body="one {{name}}")
    template.template_name = "Another name"
    template.is_active = False
    first = save_template(template, by="ana")
    assert first.number == 1
    template.body = "two {{name}}"
    second = save_template(template, by="ana")
    assert (second.number, second.body, second.placeholders, second.created_by) == (2, "two {{name}}", ["name"], "ana")
    assert [version.body for version in template.versions.order_by("number")] == ["one {{name}}", "two {{name}}"]


def test_a_version_never_changes_and_never_goes() -> None:
    version = TemplateFactory().versions.get()
    for change in (lambda: TemplateVersion.objects.update(body="other"), version.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    version.refresh_from_db()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("variants", "Oi", "list of texts"),
        ("variants", ["Oi", 3], "list of texts"),
        ("variants", ["Oi", "  "], "A variant is empty"),
        ("variants", ["Oi"] * (MAX_VARIANTS + 1), "At most"),
        ("variants", ["a\x00b"], "cannot be stored"),
        ("variants", ["a\ud800b"], "cannot be stored"),
        ("body", "", "blank"),
        ("body", "a\x00b", "cannot be stored"),
        ("body", "x" * (MAX_TEXT + 1), "At most"),
        ("media_url", "nowhere", "valid URL"),
        ("template_code", "x" * 101, "at most 100"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_written(field: str, value: object, message: str) -> None:
    template = TemplateFactory.build(tenant=TenantFactory())
    setattr(template, field, value)
    errors = errors_of(template)
    assert list(errors) == [field]
    assert message in " ".join(errors[field])
    assert not MessageTemplate.objects.exists()


def test_a_code_is_taken_once_per_tenant_and_language() -> None:
    taken = TemplateFactory()
    same = {"template_code": taken.template_code}
    assert "already a template" in errors_of(TemplateFactory.build(tenant=taken.tenant, **same))["template_code"][0]
    TemplateFactory(tenant=taken.tenant, locale="en", **same)
    TemplateFactory(**same)


def test_the_database_refuses_variants_that_are_not_texts() -> None:
    template = TemplateFactory()
    wrong_ones: list[Any] = [{}, "Oi", ["Oi", 3], [["Oi"]], [None]]
    for wrong in wrong_ones:
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageTemplate.objects.filter(pk=template.pk).update(variants=wrong)


def test_the_channel_stays_while_a_campaign_uses_the_template() -> None:
    link = CampaignProviderTemplateFactory(campaign_provider__campaign__name="black_friday")
    link.template.channel = "EMAIL"
    assert "black_friday" in errors_of(link.template)["channel"][0]
    free = TemplateFactory()
    free.channel = "EMAIL"
    save_template(free, by="ana")


def test_a_used_template_cannot_be_deleted_and_the_message_names_the_campaign() -> None:
    link = CampaignProviderTemplateFactory(campaign_provider__campaign__name="black_friday")
    with pytest.raises(ValidationError, match="black_friday"):
        delete_unused(link.template)
    assert MessageTemplate.objects.filter(pk=link.template_id).exists()


def test_an_author_hears_of_what_only_looks_like_a_placeholder_and_of_campaigns_left_behind() -> None:
    link = CampaignProviderTemplateFactory(campaign_provider__campaign__name="black_friday")
    assert notices_of(link.template) == []
    link.template.body += " {{ new }} {{new}}"
    save_template(link.template, by="ana")
    with translation.override("en"):
        suspicion, campaign = notices_of(link.template)
    assert "{{ new }}" in suspicion
    assert "“black_friday” does not map new" in campaign
