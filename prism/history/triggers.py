"""The database triggers that write the trail, with the owner's rights and without a way to switch them off.

django-pghistory makes the event tables and the body; here is what it leaves open. The functions are SECURITY DEFINER,
so that the web role needs no right to write events, and they ask no session setting whether to keep quiet. They are
installed after every migrate, as grants are: a migration of a lower room could not name a table of the top floor.
"""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate
from pghistory.trigger import Event as EventTrigger
from pgtrigger.compiler import Trigger, UpsertTriggerSql


class DefiningSql(UpsertTriggerSql):
    """A trigger whose function acts as its owner. Any caller's search path ends at its door."""

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION {pgid}() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
            {declare} BEGIN {func} END $$;
            REVOKE ALL ON FUNCTION {pgid}() FROM PUBLIC;
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE TRIGGER {pgid} {when} {operation} ON {table} FOR EACH {level} {condition} EXECUTE FUNCTION {execute};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class Recording(EventTrigger):
    """One INSERT into the event table: the row, what changed of it, and who acted."""

    event_model: Any

    def get_func(self, model: Any) -> Any:
        event, row = self.event_model, self.row
        told, hidden = _texts(event.told_columns), _texts(event.hidden_columns)
        changed = f"prism_row_changes(to_jsonb(OLD), to_jsonb(NEW), {told}, {hidden})"
        columns = {
            "pgh_created_at": "clock_timestamp()",
            "pgh_label": f"'{self.label}'",
            "pgh_obj_id": f'{row}."{model._meta.pk.column}"',
            "pgh_context": "prism_change_context()",
            "tenant_id": f'{row}."{event.owner_column}"' if event.owner_column else "NULL",
            "row": f"prism_row_values(to_jsonb({row}), {told})",
            "changes": changed if self.label == "update" else "NULL",
        }
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(columns.values())
        body: Any = pgtrigger.Func
        return body(f'INSERT INTO "{event._meta.db_table}" ({names}) VALUES ({values}); RETURN NULL;')

    def compile(self, model: models.Model) -> Trigger:
        compiled = super().compile(model)
        known = {key: value for key, value in compiled.sql.kwargs.items() if key != "ignore_func_name"}
        return Trigger(name=compiled.name, sql=DefiningSql(**known))


class _Recorded:
    """A tracker of pghistory whose trigger is ours."""

    def add_event_trigger(self, event_model: Any) -> None:
        tracker: Any = self
        make: Any = Recording
        trigger = make(
            event_model=event_model,
            label=tracker.label,
            name=tracker.trigger_name,
            row=tracker.row,
            operation=tracker.operation,
            condition=tracker.condition,
            level=pgtrigger.Row,
        )
        pgtrigger.register(trigger)(event_model.pgh_tracked_model)


class Added(_Recorded, pghistory.InsertEvent):
    pass


class Changed(_Recorded, pghistory.UpdateEvent):
    pass


class Deleted(_Recorded, pghistory.DeleteEvent):
    pass


def connect() -> None:
    """Install whenever `migrate` has run: once, hence the one sender (any app with models would do)."""
    post_migrate.connect(_after_migrate, sender=apps.get_app_config("tenants"), dispatch_uid="prism.history")


def _after_migrate(using: str, **_kwargs: Any) -> None:
    install(connections[using])


def install(connection: BaseDatabaseWrapper) -> int:
    """Bring every trigger whose tables are there to its newest form; how many were. Safe to repeat."""
    installed = 0
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('prism.history'))")
        for model, trigger in pgtrigger.registered():
            compiled = trigger.compile(model)
            if isinstance(trigger, Recording) and _ready(cursor, trigger) and not _fresh(cursor, compiled):
                cursor.execute(compiled.install_sql)
                installed += 1
    return installed


def stale(connection: BaseDatabaseWrapper) -> list[str]:
    """Triggers that are missing in the database, or of an older form."""
    with connection.cursor() as cursor:
        return [
            f"{model._meta.db_table}: {trigger.name}"
            for model, trigger in pgtrigger.registered()
            if isinstance(trigger, Recording) and not _fresh(cursor, trigger.compile(model))
        ]


def _ready(cursor: Any, trigger: Recording) -> bool:
    """Whether both tables have the columns that the trigger names: a migration backwards may have taken them."""
    event = trigger.event_model
    for table, wanted in (
        (event._meta.db_table, ["row", "changes"]),
        (event.pgh_tracked_model._meta.db_table, [*event.told_columns, *event.hidden_columns]),
    ):
        cursor.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = ANY (%s)"
            " AND NOT attisdropped",
            [f"public.{table}", wanted],
        )
        if cursor.fetchone()[0] != len(wanted):
            return False
    return True


def _fresh(cursor: Any, compiled: Trigger) -> bool:
    cursor.execute(
        "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = to_regclass(%s)"
        " AND obj_description(oid, 'pg_trigger') = %s AND tgenabled = 'O'",
        [compiled.sql.pgid, f"public.{compiled.sql.table}", compiled.hash],
    )
    return cursor.fetchone() is not None


def _texts(values: Any) -> str:
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]::text[]"
