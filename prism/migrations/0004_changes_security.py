"""The audit trail in the database: who acted, what changed, each reader's own part, and one view over all kinds."""

from django.db import migrations

from tenants.rls import protect

SUPERUSER = "current_setting('prism.superuser', true) = 'on'"

# The row's table → the kind that pages know it by.
TABLES = {
    "tenants": "tenants.tenant",
    "memberships": "tenants.membership",
    "auth_user": "auth.user",
    "api_keys": "tenants.apikey",
    "providers": "providers.provider",
    "provider_secrets": "providers.providersecret",
    "templates": "templates.messagetemplate",
    "attribute_definitions": "audiences.attributedefinition",
    "segments": "audiences.segment",
    "campaigns": "campaigns.campaign",
    "campaign_segments": "campaigns.campaignsegment",
    "campaign_providers": "campaigns.campaignprovider",
    "campaign_provider_templates": "campaigns.campaignprovidertemplate",
}

# `role` is what the connection signed in as: no setting of the session can pretend to another one.
FUNCTIONS = """
CREATE FUNCTION prism_change_context() RETURNS jsonb LANGUAGE sql STABLE SET search_path = public AS $$
  SELECT COALESCE(NULLIF(current_setting('prism.origin', true), '')::jsonb, '{}') || jsonb_strip_nulls(jsonb_build_object(
    'user', NULLIF(current_setting('prism.user', true), '')::bigint,
    'program', COALESCE(NULLIF(current_setting('prism.program', true), ''), current_setting('application_name')),
    'role', session_user))
$$;
CREATE FUNCTION prism_row_values(stored jsonb, told text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_object_agg(name, stored -> name), '{}') FROM unnest(told) name
$$;
CREATE FUNCTION prism_row_changes(before jsonb, after jsonb, told text[], hidden text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_object_agg(name, CASE WHEN name = ANY (hidden) THEN 'null'::jsonb
    ELSE jsonb_build_array(before -> name, after -> name) END), '{}')
  FROM unnest(told || hidden) name WHERE before -> name IS DISTINCT FROM after -> name
$$;
REVOKE ALL ON FUNCTION prism_change_context(), prism_row_values(jsonb, text[]),
  prism_row_changes(jsonb, jsonb, text[], text[]) FROM PUBLIC;
"""
# The triggers are installed after migrate; without their tables they would refuse every change.
NO_FUNCTIONS = """
DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT tgname, tgrelid::regclass AS owner FROM pg_trigger WHERE tgname LIKE 'pgtrigger\\_%' LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.owner);
    EXECUTE format('DROP FUNCTION %I()', found.tgname);
  END LOOP;
END $$;
DROP FUNCTION prism_change_context();
DROP FUNCTION prism_row_values(jsonb, text[]);
DROP FUNCTION prism_row_changes(jsonb, jsonb, text[], text[]);
"""

# Whoever may see a person sees what became of him.
PEOPLE = f"""
ALTER TABLE auth_user_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON auth_user_events FOR SELECT USING ({SUPERUSER}
  OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = auth_user_events.pgh_obj_id));
"""

VIEW = "CREATE VIEW configuration_changes WITH (security_invoker = true) AS " + " UNION ALL ".join(
    f"""
    SELECT '{kind}:' || pgh_id AS id, tenant_id, pgh_created_at AS at, '{kind}' AS kind, pgh_label AS deed,
      pgh_obj_id::text AS object_id, (pgh_context ->> 'user')::bigint AS user_id, pgh_context AS context, changes, "row"
    FROM {table}_events"""
    for table, kind in TABLES.items()
)


class Migration(migrations.Migration):
    dependencies = [("prism", "0003_changes")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        *(protect(f"{table}_events") for table in TABLES if table != "auth_user"),
        migrations.RunSQL(
            PEOPLE, "DROP POLICY seen ON auth_user_events; ALTER TABLE auth_user_events DISABLE ROW LEVEL SECURITY;"
        ),
        migrations.RunSQL(VIEW, "DROP VIEW configuration_changes;"),
    ]
