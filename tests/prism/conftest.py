"""Two tenants, filled, and the web role in both of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web import Web, as_web_process, as_web_role

if TYPE_CHECKING:
    from tests.prism.tenancies import Filled


@pytest.fixture
def two(db: None) -> tuple[Filled, Filled]:
    from tests.prism.tenancies import fill_tenant, shared_rows  # models, which pytest may not load this early

    shared_rows()
    return fill_tenant("Acmeum"), fill_tenant("Betadois")


@pytest.fixture(params=[as_web_role, as_web_process], ids=["set-role", "own-connection"])
def web(request: pytest.FixtureRequest) -> Web:
    wanted: Web = request.param
    return wanted
