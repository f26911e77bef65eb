from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """One that may talk to this machine, where the hostile servers are."""
    wire = Wire(allow_private=True)
    yield wire
    wire.close()


@pytest.fixture
def strict_wire() -> Iterator[Wire]:
    """One as in production: no private address."""
    wire = Wire(allow_private=False)
    yield wire
    wire.close()
