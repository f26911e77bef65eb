"""A tenant with a key for everything, over the web role's own connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.web import as_web_process

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.api.callers import Caller
    from tests.prism.tenancies import Filled


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    from tests.factories import TenantFactory  # models, which pytest may not load this early

    made: Tenant = TenantFactory.create(slug="acme", timezone="America/Manaus")
    return made


@pytest.fixture
def caller(tenant: Tenant) -> Iterator[Caller]:
    from tests.api.callers import Caller, key_of

    key = key_of(tenant.pk)
    with as_web_process():
        yield Caller(key)


@pytest.fixture
def two(transactional_db: None) -> tuple[Filled, Filled]:
    """Two tenants with something in every table, each text marked."""
    from tests.prism.tenancies import fill_tenant, shared_rows

    shared_rows()
    return fill_tenant("Acmeum"), fill_tenant("Betadois")
