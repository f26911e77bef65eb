"""What is recorded: the models of configuration, which of their columns, and what a row of each is called."""

from __future__ import annotations

from typing import Any

import msgspec
import pghistory
import pgtrigger
from django.contrib.auth.models import User
from django.db import models

from audiences.models import AttributeDefinition, Segment
from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate, CampaignSegment, FrequencyCap
from prism.history.triggers import Added, Changed, Deleted
from providers.models import Provider, ProviderSecret
from templates.models import MessageTemplate
from tenants.models import ApiKey, Membership, Tenant

NEVER = frozenset({"id", "tenant", "created_at", "updated_at", "created_by"})
"""Told by the event itself."""


class Recorded(msgspec.Struct, frozen=True):
    """One model of configuration.

    `naming`: the fields that a row is known by. `without`: derived columns, or what processes write. `hidden`: a change
    is an event, its value is kept nowhere. `part_of`: the field that names the row it is shown with.
    """

    model: type[models.Model]
    naming: tuple[str, ...]
    without: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    part_of: str = ""

    @property
    def kind(self) -> str:
        """As in `configuration_changes`."""
        return self.model._meta.label_lower


RECORDED = (
    Recorded(Tenant, ("name",), without=("slug",)),
    Recorded(Membership, ("user",), part_of="user"),
    Recorded(User, ("username",), without=("last_login", "date_joined", "is_staff"), hidden=("password",)),
    Recorded(ApiKey, ("name",), without=("digest", "last_used_at")),
    Recorded(
        Provider,
        ("provider_name",),
        without=("health", "health_checked_at", "health_message", "connected_at"),
    ),
    Recorded(ProviderSecret, ("name",), hidden=("value",), part_of="provider"),
    Recorded(MessageTemplate, ("template_name",), without=("placeholders",)),
    Recorded(AttributeDefinition, ("name",)),
    Recorded(Segment, ("name",)),
    Recorded(Campaign, ("name",), without=("control_salt", "control_frozen_at")),
    Recorded(FrequencyCap, ("channel", "max_messages", "period")),
    Recorded(CampaignSegment, ("segment",), part_of="campaign"),
    Recorded(CampaignProvider, ("provider",), part_of="campaign"),
    Recorded(CampaignProviderTemplate, ("template",), part_of="campaign_provider"),
)

BY_KIND = {recorded.kind: recorded for recorded in RECORDED}
EVENTS: dict[str, Any] = {}
"""Kind → the model of its event table."""


def columns_of(recorded: Recorded) -> list[str]:
    """Names of the fields whose values are kept."""
    left_out = {*NEVER, *recorded.without, *recorded.hidden}
    return [field.name for field in recorded.model._meta.local_fields if field.name not in left_out]


def record_all() -> None:
    """Make the event tables' models and register the triggers; once, while `prism.models` is loaded."""
    for recorded in RECORDED:
        EVENTS[recorded.kind] = _record(recorded)


def _record(recorded: Recorded) -> Any:
    model, names = recorded.model, columns_of(recorded)
    table = model._meta.db_table
    has_tenant = "tenant" in {field.name for field in model._meta.local_fields}
    attributes: dict[str, Any] = {
        "__str__": lambda event: f"{event.pgh_label} {event.pgh_obj_id}",
        "tenant_id": models.BigIntegerField(null=True),
        "row": models.JSONField(),
        "changes": models.JSONField(null=True),
        "told_columns": [model._meta.get_field(name).column for name in names],  # type: ignore[union-attr]  # concrete
        "hidden_columns": list(recorded.hidden),
        "owner_column": "tenant_id" if has_tenant else "id" if model is Tenant else "",
    }
    track: Any = pghistory.track
    track(
        Added(),
        Changed(condition=pgtrigger.Condition(_differs([*attributes["told_columns"], *recorded.hidden]))),
        Deleted(),
        # The values are one JSON column: a new field of a room needs no migration here.
        fields=[],
        obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+"),
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,
        app_label="prism",
        model_name=f"{model.__name__}Event",
        attrs=attributes,
        meta={
            "db_table": f"{table}_events",
            "indexes": [models.Index(fields=["tenant_id", "-pgh_created_at"], name=f"{table[:19]}_ev_latest")],
        },
    )(model)
    events: Any = model
    return events.pgh_event_models["update"]


def _differs(columns: list[str]) -> str:
    return " OR ".join(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in columns)
