"""What the web role can do, tried for real: by SET ROLE, and over a connection of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg.errors import FeatureNotSupported

from dispatching import operating
from dispatching.models import Dispatch, DueDispatch
from dispatching.triggers import ledger_key
from outbox.models import OutboxEvent
from prism import access
from tenants.scope import tenant_scope
from tests.prism.tenancies import Filled
from tests.web import Web

pytestmark = pytest.mark.django_db(transaction=True)

OF_NOBODY = {"auth_user", "auth_user_events", "operator_workers", "operator_shards", "operator_positions"}
OF_NOBODY |= {"axes_accessattempt", "axes_accessattemptexpiration", "second_factors", "recovery_codes"}
OF_TENANTS = sorted(set(access.TABLES) - OF_NOBODY)
"""Relations whose rows have an owner; of those left out, people and processes are tried below."""


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def owner_of(relation: str) -> str:
    """The SQL that names the row's tenant."""
    if relation == "operator_facts":
        return "(SELECT id FROM tenants WHERE slug = headers ->> 'tenant')"
    return "id" if relation == "tenants" else "tenant_id"


def refused(statement: str, *parameters: Any) -> str:
    with pytest.raises(ProgrammingError) as caught, transaction.atomic():
        query(statement, *parameters)
    return str(caught.value)


def test_every_table_view_and_function_is_declared_or_out_of_reach() -> None:
    assert access.drift(connection, settings.WEB_DATABASE_ROLE) == (set(), set())


def test_every_declared_table_has_row_level_security_or_no_tenant() -> None:
    open_tables = query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relrowsecurity AND relname = ANY (%s)",
        [*access.TABLES, *access.SHARED],
    )
    assert {name for (name,) in open_tables} == set(access.SHARED)


def test_the_role_is_weak_and_owns_nothing() -> None:
    (attributes,) = query(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s",
        settings.WEB_DATABASE_ROLE,
    )
    assert not any(attributes)
    owned = "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = %s)"
    assert query(owned, settings.WEB_DATABASE_ROLE) == [(0,)]
    assert query("SELECT has_schema_privilege(%s, 'public', 'CREATE')", settings.WEB_DATABASE_ROLE) == [(False,)]
    member = "SELECT pg_has_role(%s, %s, 'MEMBER')"
    assert query(member, settings.WEB_DATABASE_ROLE, settings.DATABASES["default"]["USER"]) == [(False,)]


def test_no_table_of_the_callers_own_comes_before_ours_in_what_runs_with_the_owners_rights() -> None:
    """Whoever speaks as the web role may make temporary tables; PostgreSQL looks among them first unless told."""
    misled = """
        SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
          AND NOT COALESCE(proconfig @> ARRAY['search_path=public, pg_temp'], false)
    """
    assert query(misled) == []


def test_applying_again_changes_nothing() -> None:
    acl = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    before = query(acl)
    access.apply(connection, settings.WEB_DATABASE_ROLE)
    assert query(acl) == before


def test_a_grant_that_somebody_added_by_hand_is_taken_back() -> None:
    query(f'GRANT ALL ON workers TO "{settings.WEB_DATABASE_ROLE}"')
    access.apply(connection, settings.WEB_DATABASE_ROLE)
    assert query("SELECT has_table_privilege(%s, 'workers', 'SELECT')", settings.WEB_DATABASE_ROLE) == [(False,)]


def test_rows_of_another_tenant_cannot_be_seen(two: tuple[Filled, Filled], web: Web) -> None:
    mine, _theirs = two
    with web(), tenant_scope(mine.tenant.pk, operator=True):
        for relation in OF_TENANTS:
            owner = owner_of(relation)
            seen = query(f"SELECT DISTINCT {owner} FROM {relation} WHERE {owner} IS NOT NULL")
            assert seen == [(mine.tenant.pk,)], relation


def test_rows_of_another_tenant_cannot_be_changed_or_made(two: tuple[Filled, Filled], web: Web) -> None:
    mine, theirs = two
    other = theirs.tenant.pk
    views = ("operator_", "scheduled_", "configuration_")
    with web(), tenant_scope(mine.tenant.pk, operator=True, superuser=True):
        for table in [name for name in OF_TENANTS if not name.startswith(views)]:
            rights = access.TABLES[table]
            owner = owner_of(table)
            if "DELETE" in rights:
                assert query(f"DELETE FROM {table} WHERE {owner} = %s", other) == [(0,)], table
            else:
                assert "permission denied" in refused(f"DELETE FROM {table} WHERE {owner} = %s", other), table
            stated = ("rejected_triggers", "webhook_calls")
            column = "name" if table == "tenants" else "state" if table in stated else owner
            if "UPDATE" in rights and table != "api_keys":
                assert query(f"UPDATE {table} SET {column} = {column} WHERE {owner} = %s", other) == [(0,)], table
            elif table != "api_keys":
                assert "permission denied" in refused(f"UPDATE {table} SET {column} = {column}"), table
            told = refused(f"INSERT INTO {table} ({owner}) VALUES (%s)", other)
            assert ("row-level security" if "INSERT" in rights else "permission denied") in told, table


def test_an_own_row_cannot_be_handed_to_another_tenant(two: tuple[Filled, Filled], web: Web) -> None:
    mine, theirs = two
    with web(), tenant_scope(mine.tenant.pk, operator=True):
        told = refused("UPDATE segments SET tenant_id = %s", theirs.tenant.pk)
        assert "row-level security" in told


def test_a_row_cannot_point_at_a_row_of_another_tenant(two: tuple[Filled, Filled], web: Web) -> None:
    """Foreign keys look past row-level security: the pair of key and tenant has to match."""
    mine, theirs = two
    (foreign,) = query("SELECT id FROM segments WHERE tenant_id = %s", theirs.tenant.pk)[0]
    (campaign,) = query("SELECT id FROM campaigns WHERE tenant_id = %s", mine.tenant.pk)[0]
    add = (
        "INSERT INTO campaign_segments (id, tenant_id, campaign_id, segment_id) VALUES (gen_random_uuid(), %s, %s, %s)"
    )
    with web(), tenant_scope(mine.tenant.pk):
        query(add, mine.tenant.pk, campaign, foreign)
        with pytest.raises(IntegrityError, match="same_tenant"), transaction.atomic():
            query("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def test_without_a_tenant_nothing_is_visible(two: tuple[Filled, Filled], web: Web) -> None:
    with web(), transaction.atomic():
        for relation in OF_TENANTS:
            owner = owner_of(relation)
            assert query(f"SELECT count(*) FROM {relation} WHERE {owner} IS NOT NULL") == [(0,)], relation
        assert query("SELECT prism_is_due(%s)", two[0].waiting) == [(False,)]


def test_partitions_worker_tables_ledger_and_outbox_are_out_of_reach(two: tuple[Filled, Filled], web: Web) -> None:
    partitions = [
        name
        for (name,) in query(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'dispatches'::regclass"
        )
    ]
    assert partitions
    closed = [
        *partitions,
        *("due_dispatches", "send_batches", "workers", "pace_counters", "contact_paces"),
        *("trigger_receipts", "trigger_receipts_h0"),
        *("outbox_events", "outbox_shards", "consumer_positions", "config_version", "auth_group"),
    ]
    with web(), tenant_scope(two[0].tenant.pk, operator=True, superuser=True):
        for table in closed:
            assert "permission denied" in refused(f"SELECT 1 FROM {table}"), table


def test_secrets_and_digests_are_written_and_never_read(two: tuple[Filled, Filled], web: Web) -> None:
    with web(), tenant_scope(two[0].tenant.pk):
        assert "permission denied" in refused("SELECT value FROM provider_secrets")
        assert "permission denied" in refused("SELECT digest FROM api_keys")
        assert query("SELECT name FROM provider_secrets") == [("Acmeum-token",)]


def test_people_of_another_tenant_are_unknown(two: tuple[Filled, Filled], web: Web) -> None:
    mine, theirs = two
    with web(), tenant_scope(mine.tenant.pk, user_id=mine.user_ids["admin"]):
        names = {name for (name,) in query("SELECT username FROM auth_user")}
        assert names == {f"acmeum-{role}" for role in ("viewer", "author", "operator", "admin")}
        assert query("UPDATE auth_user SET is_active = false WHERE id = %s", theirs.user_ids["admin"]) == [(0,)]
        assert query("SELECT * FROM prism_identity(%s)", theirs.user_ids["admin"]) == []
        assert query("SELECT * FROM prism_tenant('betadois')") == []
        assert query("SELECT * FROM prism_api_key(%s)", theirs.key.split("_")[1]) == []


def test_who_belongs_nowhere_sees_himself_only(two: tuple[Filled, Filled], web: Web) -> None:
    with web(), tenant_scope(None, user_id=two[0].user_ids["viewer"]):
        assert query("SELECT username FROM auth_user") == [("acmeum-viewer",)]


def test_nobody_becomes_a_superuser_through_the_web(two: tuple[Filled, Filled], web: Web) -> None:
    mine = two[0]
    with web(), tenant_scope(mine.tenant.pk, user_id=mine.user_ids["admin"], superuser=True):
        assert "createsuperuser" in refused("UPDATE auth_user SET is_superuser = true")
        new = (
            "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff,"
            " is_active, date_joined) VALUES ('x', '', true, '', '', '', false, true, now())"
        )
        assert "row-level security" in refused(new)


def test_copy_into_a_protected_table_is_refused(two: tuple[Filled, Filled], web: Web) -> None:
    scope = tenant_scope(two[0].tenant.pk)
    with pytest.raises(FeatureNotSupported, match="row-level security"), web(), scope, connection.cursor() as cursor:
        cursor.copy("COPY segments (id) FROM STDIN").__enter__()


def test_copy_out_of_a_protected_table_gives_the_own_rows_only(two: tuple[Filled, Filled], web: Web) -> None:
    scope = tenant_scope(two[0].tenant.pk)
    with web(), scope, connection.cursor() as cursor, cursor.copy("COPY segments (code) TO STDOUT") as copy:
        assert [bytes(line) for line in copy] == [b"Acmeum_vip\n"]


def test_functions_look_at_the_own_tenant_only(two: tuple[Filled, Filled], web: Web) -> None:
    mine, theirs = two
    with web(), tenant_scope(mine.tenant.pk, operator=True):
        assert operating.triggers_of(tenant_id=mine.tenant.pk, correlation_id=mine.correlation_id) == [mine.trigger_id]
        assert operating.triggers_of(tenant_id=theirs.tenant.pk, correlation_id=theirs.correlation_id) == []
        key = ledger_key(theirs.tenant.pk, "triggers", theirs.correlation_id)
        assert query("SELECT prism_trigger_of(%s)", key) == [(None,)]
        assert query("SELECT prism_is_due(%s), prism_is_due(%s)", mine.waiting, theirs.waiting) == [(True, False)]
        assert operating.replay([theirs.failed]) == []
        assert operating.cancel([theirs.waiting]) == []
        assert query("SELECT prism_retry_facts(%s)", [theirs.parked_fact]) == [(0,)]
    assert Dispatch.objects.get(pk=theirs.failed).status == "FAILED"
    assert DueDispatch.objects.filter(pk=theirs.waiting).exists()
    assert OutboxEvent.objects.get(pk=theirs.parked_fact).parked_at is not None


def test_numbers_of_all_tenants_are_for_the_process_itself(two: tuple[Filled, Filled], web: Web) -> None:
    with web(), tenant_scope(two[0].tenant.pk, operator=True, superuser=True):
        assert query("SELECT * FROM prism_gauges(15)") == []
        query("SELECT set_config('prism.system', 'on', true)")
        assert query("SELECT count(*) FROM prism_gauges(15) WHERE name = 'lane_due'") == [(2,)]


def test_the_queues_are_for_operators(two: tuple[Filled, Filled], web: Web) -> None:
    mine = two[0]
    with web():
        for operator, rows in ((False, 0), (True, 1)):
            with tenant_scope(mine.tenant.pk, operator=operator):
                for view in (
                    "operator_lanes",
                    "operator_batches",
                    "operator_worker_lanes",
                    "operator_due",
                    "operator_positions",
                ):
                    assert query(f"SELECT count(*) FROM {view}") == [(rows,)], view
                # One with a lane of each organisation, and one that has none: processes belong to nobody.
                assert query("SELECT count(*) FROM operator_workers") == [(3 * rows,)]
        with tenant_scope(mine.tenant.pk):
            assert operating.replay([mine.failed]) == []
            assert operating.cancel([mine.waiting]) == []
