"""What the web role may do with each table; applied after every migrate, proven complete by a test.

Declarative and closed: what is not named here is not granted. No partition, no worker table, no ledger and no outbox
is; where people need a look at those, a view or function of the room shows them the part that is theirs.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate
from psycopg import sql

ALL = "SELECT, INSERT, UPDATE, DELETE"

TABLES: dict[str, str] = {
    # Rows of one tenant, by row-level security.
    "tenants": "SELECT, UPDATE (name, timezone, locale, person_key_attribute, second_factor)",
    "memberships": ALL,
    # Digests and encrypted secrets are written by people and read by nobody.
    "api_keys": "SELECT (id, tenant_id, name, prefix, scopes, created_at, last_used_at, revoked_at), INSERT,"
    " UPDATE (name, scopes, revoked_at), DELETE",
    "providers": ALL,
    "provider_secrets": "SELECT (id, tenant_id, provider_id, name, hosts, created_at, created_by), INSERT, UPDATE,"
    " DELETE",
    # Asked for by people, answered by workers.
    "provider_checks": "SELECT, INSERT (id, tenant_id, provider_id, purpose, requested_by)",
    # Written by workers and triggers; people resume by a function.
    "provider_circuits": "SELECT",
    "templates": ALL,
    "template_versions": "SELECT, INSERT",
    "attribute_definitions": ALL,
    "segments": ALL,
    "campaigns": ALL,
    "frequency_caps": ALL,
    "campaign_segments": ALL,
    "campaign_providers": ALL,
    "campaign_provider_templates": ALL,
    "dispatches": "SELECT",
    "attempts": "SELECT",
    "idempotency_keys": "SELECT, INSERT, UPDATE",
    "unsettled_dispatches": "SELECT",
    "provider_messages": "SELECT",
    "delivery_receipts": "SELECT",
    "overdue_deliveries": "SELECT",
    # Written by workers, for ever.
    "suppression_signs": "SELECT",
    "dispatch_counts": "SELECT",
    "webhook_calls": "SELECT, UPDATE (state, tries, look_at, error)",
    "rejected_triggers": "SELECT, UPDATE (state, state_changed_at, state_changed_by)",
    "django_admin_log": "SELECT, INSERT",
    # People of one tenant once somebody is signed in (tenants/migrations/0004).
    "auth_user": "SELECT, INSERT, UPDATE",
    # Its owner's alone.
    "second_factors": ALL,
    "recovery_codes": ALL,
    # Counted while nobody is known yet, forgiven by administrators (tenants/migrations/0006).
    "axes_accessattempt": ALL,
    "axes_accessattemptexpiration": "SELECT, DELETE",
    # The audit trail: written by triggers with the owner's rights, read by whoever the rows are of.
    "configuration_changes": "SELECT",
    "tenants_events": "SELECT",
    "memberships_events": "SELECT",
    "auth_user_events": "SELECT",
    "api_keys_events": "SELECT",
    "providers_events": "SELECT",
    "provider_secrets_events": "SELECT",
    "templates_events": "SELECT",
    "attribute_definitions_events": "SELECT",
    "segments_events": "SELECT",
    "campaigns_events": "SELECT",
    "frequency_caps_events": "SELECT",
    "campaign_segments_events": "SELECT",
    "campaign_providers_events": "SELECT",
    "campaign_provider_templates_events": "SELECT",
    # Views that show the part of worker tables that is the reader's.
    "scheduled_dispatches": "SELECT",
    "operator_lanes": "SELECT",
    "operator_batches": "SELECT",
    "operator_workers": "SELECT",
    "operator_worker_lanes": "SELECT",
    "operator_due": "SELECT",
    "operator_facts": "SELECT",
    "operator_shards": "SELECT",
    "operator_positions": "SELECT",
}

SHARED: dict[str, str] = {
    # Without tenant: sessions are opaque, the others hold names of code.
    "django_session": ALL,
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    # Periodic jobs; superusers look at them. Payloads hold ids only.
    "django_q_schedule": "SELECT",
    "django_q_task": "SELECT",
    "django_q_ormq": "SELECT",
    "job_states": "SELECT",
}

FUNCTIONS: tuple[str, ...] = (
    "prism_identity(bigint)",
    "prism_tenant(text)",
    "prism_second_factor(bigint)",
    "prism_reset_second_factor(bigint)",
    "prism_api_key(text)",
    "prism_api_key_used(bigint, bytea)",
    "prism_count_request(text, integer)",
    "prism_webhook_provider(uuid, bigint)",
    "prism_keep_webhook_call(uuid, text, text, text, text, bytea)",
    "prism_webhook_gauges()",
    "prism_is_due(uuid)",
    "prism_trigger_of(uuid)",
    "prism_receipt_of(uuid)",
    "prism_replay_dispatches(uuid[], integer)",
    "prism_cancel_dispatches(uuid[], text)",
    "prism_resolve_dispatches(uuid[], integer, text, text)",
    "prism_known_messages(text[])",
    "prism_accept_messages(jsonb)",
    "prism_resume_provider(uuid, text)",
    "prism_retry_facts(bigint[])",
    "prism_fact_state(text, text)",
    "prism_gauges(integer)",
)


def connect() -> None:
    """Apply the grants whenever `migrate` has run: once, hence the one sender (any app with models would do)."""
    post_migrate.connect(_after_migrate, sender=apps.get_app_config("tenants"), dispatch_uid="prism.access")


def _after_migrate(using: str, **_kwargs: Any) -> None:
    apply(connections[using], settings.WEB_DATABASE_ROLE)


def apply(connection: BaseDatabaseWrapper, role: str) -> None:
    """Take everything from the role, then give what is declared, in one transaction. Safe to repeat.

    A table or function that a migration backwards has removed is passed over; the test of this file, which runs on
    the newest state, proves that every declared name exists.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise ImproperlyConfigured(
                f"WEB_DATABASE_URL: the database has no role {role!r}. Create it: CREATE ROLE {role} LOGIN PASSWORD '…'"
            )
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('prism.access'))")
        for statement in _statements(cursor, role):
            cursor.execute(statement.as_string(cursor.connection))
        _straighten(cursor)


def drift(connection: BaseDatabaseWrapper, role: str) -> tuple[set[str], set[str]]:
    """(what the role reaches and must not, what is declared and out of its reach), by name, in every schema."""
    with connection.cursor() as cursor:
        cursor.execute(_REACHABLE, [role])
        reachable = {row[0] for row in cursor.fetchall()}
    declared = {*TABLES, *SHARED, *(function.replace(", ", ",") for function in FUNCTIONS)}
    return reachable - declared, declared - reachable


_REACHABLE = """
WITH role AS (SELECT %s::text AS name)
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname
FROM role, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(role.name, c.oid, 'USAGE,SELECT,UPDATE')
      ELSE has_table_privilege(role.name, c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER')
        OR has_any_column_privilege(role.name, c.oid, 'SELECT,INSERT,UPDATE,REFERENCES') END
UNION ALL
SELECT p.oid::regprocedure::text FROM role, pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND has_function_privilege(role.name, p.oid, 'EXECUTE')
"""


def _statements(cursor: Any, role: str) -> list[sql.Composed]:
    web = sql.Identifier(role)
    statements = [
        sql.SQL(text).format(web)
        for text in (
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}",
            "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}",
            "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, {}",
            "REVOKE ALL ON SCHEMA public FROM {}",
            "GRANT USAGE ON SCHEMA public TO {}",
        )
    ]
    statements += [
        sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.Identifier(table), web)
        for table, rights in {**TABLES, **SHARED}.items()
        if _exists(cursor, "to_regclass", table)
    ]
    statements += [
        sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), web)
        for function in FUNCTIONS
        if _exists(cursor, "to_regprocedure", function)
    ]
    return statements


# Temporary tables, which everybody may make, come before all others in a search path that does not name them: a
# caller's own `providers` would be read, and its triggers run, with the owner's rights.
_MISLED = """
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
  AND pg_has_role(proowner, 'USAGE') AND proconfig @> ARRAY['search_path=public']
"""


def _straighten(cursor: Any) -> None:
    cursor.execute(_MISLED)
    for (function,) in cursor.fetchall():
        cursor.execute(f"ALTER FUNCTION {function} SET search_path = public, pg_temp")


def _exists(cursor: Any, look_up: str, name: str) -> bool:
    cursor.execute(f"SELECT {look_up}(%s) IS NOT NULL", [f"public.{name}"])
    return bool(cursor.fetchone()[0])
