"""Storms happen in a world like that of the journeys."""

from __future__ import annotations

from tests.journeys.conftest import world

__all__ = ["world"]
