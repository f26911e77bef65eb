"""What campaigns use stays, and every door says who needs it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from audiences.authoring import delete_attribute, delete_segment
from audiences.models import AttributeDefinition, Segment
from tenants.models import Role, Tenant
from tests.factories import (
    AttributeDefinitionFactory,
    CampaignProviderTemplateFactory,
    CampaignSegmentFactory,
    MembershipFactory,
    SegmentFactory,
    TenantFactory,
)
from tests.web import as_web_process

ATTRIBUTES, SEGMENTS = "/admin/audiences/attributedefinition/", "/admin/audiences/segment/"


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(locale="en")


def used_attribute(tenant: Tenant) -> AttributeDefinition:
    definition: AttributeDefinition = AttributeDefinitionFactory(tenant=tenant, name="score")
    CampaignProviderTemplateFactory(
        campaign_provider__campaign__tenant=tenant,
        campaign_provider__campaign__name="spring",
        field_mappings={"name": {"field": "score", "default": "0"}},
    )
    return definition


@pytest.mark.django_db
def test_an_attribute_that_a_mapping_names_stays(tenant: Tenant) -> None:
    definition = used_attribute(tenant)
    with pytest.raises(ValidationError, match="spring"):
        delete_attribute(definition)
    AttributeDefinitionFactory(name="score")
    free = AttributeDefinitionFactory(tenant=tenant, name="free")
    delete_attribute(free)
    assert set(AttributeDefinition.objects.filter(tenant=tenant).values_list("name", flat=True)) == {"score"}


@pytest.mark.django_db
def test_an_attribute_in_use_keeps_its_name(tenant: Tenant) -> None:
    definition = used_attribute(tenant)
    definition.name = "points"
    with pytest.raises(ValidationError, match="score") as caught:
        definition.full_clean()
    assert set(caught.value.message_dict) == {"name"}


@pytest.mark.django_db
def test_the_key_that_tells_people_apart_stays() -> None:
    tenant = TenantFactory(person_key_attribute="customer_id", name="Acme")
    definition = AttributeDefinitionFactory(tenant=tenant, name="customer_id")
    with pytest.raises(ValidationError, match="Acme"):
        delete_attribute(definition)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [("name", {"name": "first name"}), ("example", {"name": "n", "type": "number", "example": "R$ 5"})],
)
def test_what_events_could_not_carry_is_refused(tenant: Tenant, field: str, values: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        AttributeDefinition(tenant=tenant, **{"type": "string", **values}).full_clean()
    assert set(caught.value.message_dict) == {field}


@pytest.mark.django_db
def test_a_segment_of_a_campaign_stays(tenant: Tenant) -> None:
    segment = SegmentFactory(tenant=tenant)
    CampaignSegmentFactory(campaign__tenant=tenant, campaign__name="spring", segment=segment)
    with pytest.raises(ValidationError, match="spring"):
        delete_segment(segment)
    delete_segment(SegmentFactory(tenant=tenant))
    assert Segment.objects.get() == segment


@pytest.mark.django_db(transaction=True)
def test_the_pages_name_who_uses_a_row_and_refuse_to_delete_it(tenant: Tenant) -> None:
    definition = used_attribute(tenant)
    segment = SegmentFactory(tenant=tenant)
    CampaignSegmentFactory(campaign__tenant=tenant, campaign__name="summer", segment=segment)
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    with as_web_process():
        for path, pk, name in ((ATTRIBUTES, definition.pk, "spring"), (SEGMENTS, segment.pk, "summer")):
            assert client.get(path).status_code == 200
            assert f">{name}</a>" in client.get(f"{path}{pk}/change/").content.decode()
            refused = client.post(f"{path}{pk}/delete/", {"post": "yes"}, follow=True)
            assert f"it is used by {name}" in refused.content.decode(), refused.status_code
    assert AttributeDefinition.objects.filter(pk=definition.pk).exists()
    assert Segment.objects.filter(pk=segment.pk).exists()
