"""Row-level security and configuration-version triggers, as SQL that every room's migrations share.

The web role sees the rows of one tenant, named by the setting `prism.tenant` of its transaction
(architecture, decision 2). Owners pass silently, so worker queries carry the tenant in code.
"""

from __future__ import annotations

from django.db import migrations

CURRENT_TENANT = "NULLIF(current_setting('prism.tenant', true), '')::bigint"
IS_OPERATOR = "current_setting('prism.operator', true) = 'on'"


def protect(table: str, *, shared: bool = False, operators_see_null: bool = False) -> migrations.RunSQL:
    """Turn on row-level security. Rows without tenant: `shared` by all, or (`operators_see_null`) for operators."""
    mine = f"tenant_id = {CURRENT_TENANT}"
    create = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
        f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine});",
    ]
    drop = [f"DROP POLICY tenant ON {table};"]
    if shared:
        create.append(f"CREATE POLICY shared ON {table} FOR SELECT USING (tenant_id IS NULL);")
        drop.append(f"DROP POLICY shared ON {table};")
    if operators_see_null:
        create.append(f"CREATE POLICY operators ON {table} USING (tenant_id IS NULL AND {IS_OPERATOR});")
        drop.append(f"DROP POLICY operators ON {table};")
    drop.append(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;")
    return migrations.RunSQL("\n".join(create), "\n".join(drop))


def versioned(*tables: str) -> migrations.RunSQL:
    """A change in one of these tables raises the configuration version that workers compare once per batch."""
    return migrations.RunSQL(
        "\n".join(
            f"CREATE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION prism_config_changed();"
            for table in tables
        ),
        "\n".join(f"DROP TRIGGER config_changed ON {table};" for table in tables),
    )


def same_tenant(table: str, column: str, parent: str) -> migrations.RunSQL:
    """A row and the row it points at belong to one tenant: foreign keys are checked past row-level security."""
    unique = f"{parent}_id_tenant"
    name = f"{table}_{column}_same_tenant"
    return migrations.RunSQL(
        f"""
        DO $$ BEGIN
          IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{unique}') THEN
            ALTER TABLE {parent} ADD CONSTRAINT {unique} UNIQUE (id, tenant_id);
          END IF;
        END $$;
        ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}, tenant_id)
          REFERENCES {parent} (id, tenant_id) ON UPDATE RESTRICT ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED;
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {name};",
    )


# True inside a SECURITY DEFINER function when the caller could do the same by itself: workers and migrations.
# (`current_user` is the function's owner there; the caller is the role it set, else the one it signed in with.)
CALLER_IS_OWNER = (
    "pg_has_role(COALESCE(NULLIF(current_setting('role'), 'none'), session_user)::name, current_user, 'USAGE')"
)
