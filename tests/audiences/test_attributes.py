from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from audiences.attributes import attribute_names
from audiences.models import AttributeDefinition, AttributeType
from tenants.models import Role
from tests.factories import (
    AttributeDefinitionFactory,
    CampaignSegmentFactory,
    MembershipFactory,
    SegmentFactory,
    TenantFactory,
)
from tests.web import as_web_process

# Seed 000, "Schema de Dados do Contato".
SEED_TEXTS = (
    "tax_identification trading_name first_name last_name max_offer_value_formatted min_offer_value_formatted"
    " credit_tax phone_number email push_token"
)
SEED_NUMBERS = "max_offer_value min_offer_value days_since_last_login total_transactions average_ticket lifetime_value"


@pytest.mark.django_db
def test_every_tenant_has_the_seeds_attributes_with_their_types() -> None:
    stored = dict(AttributeDefinition.objects.filter(tenant=None).values_list("name", "type"))
    assert stored == {
        **dict.fromkeys(SEED_TEXTS.split(), AttributeType.STRING),
        **dict.fromkeys(SEED_NUMBERS.split(), AttributeType.NUMBER),
    }


@pytest.mark.django_db
def test_a_tenant_adds_its_own_and_sees_nobody_elses() -> None:
    mine, other = AttributeDefinitionFactory(name="loyalty_level"), AttributeDefinitionFactory(name="shoe_size")
    names = attribute_names(mine.tenant_id)
    assert {"loyalty_level", "first_name"} < names
    assert "shoe_size" not in names
    assert other.tenant_id != mine.tenant_id


@pytest.mark.django_db
def test_an_attribute_is_there_once() -> None:
    tenant = TenantFactory()
    with pytest.raises(ValidationError) as caught:
        AttributeDefinition(tenant=tenant, name="first_name", type="string").full_clean()
    assert set(caught.value.message_dict) == {"name"}
    for owner in (None, tenant):
        AttributeDefinitionFactory(tenant=owner, name="twice")
        with pytest.raises(IntegrityError), transaction.atomic():
            AttributeDefinitionFactory(tenant=owner, name="twice")


@pytest.mark.django_db(transaction=True)
def test_shared_attributes_are_read_and_own_ones_changed() -> None:
    tenant = TenantFactory(locale="en")
    own = AttributeDefinitionFactory(tenant=tenant, name="loyalty_level")
    shared = AttributeDefinition.objects.get(tenant=None, name="first_name")
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    path = "/admin/audiences/attributedefinition/"
    fields = {"name": "loyalty_level", "type": "number", "position": "1", "group": "", "description": "", "example": ""}
    with as_web_process():
        listed = client.get(f"{path}?all=").content.decode()
        assert client.post(f"{path}{shared.pk}/change/", fields).status_code == 403
        assert client.post(f"{path}{own.pk}/change/", fields).status_code == 302
    assert "tax_identification" in listed
    own.refresh_from_db()
    assert own.type == "number"


@pytest.mark.django_db(transaction=True)
def test_a_segment_in_use_stays_and_the_page_names_the_campaign() -> None:
    tenant = TenantFactory(locale="en")
    used, free = SegmentFactory(tenant=tenant), SegmentFactory(tenant=tenant)
    CampaignSegmentFactory(campaign__tenant=tenant, campaign__name="black_friday", segment=used)
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    path = "/admin/audiences/segment/"
    with as_web_process():
        refused = client.post(f"{path}{used.pk}/delete/", {"post": "yes"})
        assert client.post(f"{path}{free.pk}/delete/", {"post": "yes"}).status_code == 302
    assert "black_friday" in refused.content.decode()
    assert list(type(used).objects.all()) == [used]
