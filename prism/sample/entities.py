"""The shape of sample.toml. A misspelt key is an error, not a default."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_name("sample.toml")


class SampleSegment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    description: str


class SampleProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    name: str
    configuration: dict[str, Any]


class SampleTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    channel: str
    body: str
    subject: str = ""
    variants: list[str] = []


class SampleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider of a campaign, by name, with its template, by code."""

    provider: str
    template: str
    label: str
    field_mappings: dict[str, Any]


class SampleCampaign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    description: str
    audience_name: str
    channel: str
    dispatch_mode: str
    providers: list[SampleRow]
    control_group_rate: Decimal = Decimal(0)
    control_salt: uuid.UUID | None = None
    trigger_time: dt.time | None = None
    week_days: str = ""
    strategy: str = "all"
    segments: list[str] = []


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    segments: list[SampleSegment]
    providers: list[SampleProvider]
    templates: list[SampleTemplate]
    campaigns: list[SampleCampaign]


@cache
def read_sample() -> Sample:
    return msgspec.toml.decode(FILE.read_bytes(), type=Sample)
