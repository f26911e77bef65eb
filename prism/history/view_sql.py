"""SQL for migrations that record one more model: its event table protected, shown, and left again."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import migrations

from tenants.rls import protect


def record_also(table: str, kind: str, before: Mapping[str, str]) -> list[migrations.RunSQL]:
    """After `CreateModel` of the event table of `table`. `before`: table → kind of those recorded until now."""
    return [
        protect(f"{table}_events"),
        migrations.RunSQL(view_of({**before, table: kind}), f"DROP VIEW configuration_changes; {view_of(before)}"),
        # A trigger without its event table would refuse every change. Forward they come after migrate.
        migrations.RunSQL(migrations.RunSQL.noop, _drop_triggers(table)),
    ]


def view_of(tables: Mapping[str, str]) -> str:
    """`configuration_changes` over the event tables of these tables."""
    return "CREATE OR REPLACE VIEW configuration_changes WITH (security_invoker = true) AS " + " UNION ALL ".join(
        f"""
        SELECT '{kind}:' || pgh_id AS id, tenant_id, pgh_created_at AS at, '{kind}' AS kind, pgh_label AS deed,
          pgh_obj_id::text AS object_id, (pgh_context ->> 'user')::bigint AS user_id, pgh_context AS context, changes,
          "row"
        FROM {table}_events"""
        for table, kind in tables.items()
    )


def _drop_triggers(table: str) -> str:
    return f"""
    DO $$ DECLARE found record; BEGIN
      FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname ~ '^pgtrigger_' LOOP
        EXECUTE format('DROP TRIGGER %I ON {table}', found.tgname);
        EXECUTE format('DROP FUNCTION %I()', found.tgname);
      END LOOP;
    END $$;
    """
