"""What the web role may know of people and keys: row-level security over Django's own tables, and narrow functions."""

from django.conf import settings
from django.db import migrations

from tenants.rls import CURRENT_TENANT

NOBODY_YET = "COALESCE(current_setting('prism.tenant', true), '') = '' AND COALESCE(current_setting('prism.user', true), '') = ''"
MYSELF = "id = NULLIF(current_setting('prism.user', true), '')::bigint"
SUPERUSER = "current_setting('prism.superuser', true) = 'on'"

# While somebody signs in nobody is known, and the row has to be found by name; after that a person sees the people of
# one tenant (memberships have row-level security of their own, which the subquery passes through). A superuser adds
# and changes people, everybody else changes himself. Nobody becomes a superuser through the web.
PEOPLE = f"""
ALTER TABLE auth_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON auth_user FOR SELECT USING (({NOBODY_YET}) OR {MYSELF} OR {SUPERUSER}
  OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = auth_user.id));
CREATE POLICY changed ON auth_user FOR UPDATE USING (({NOBODY_YET}) OR {MYSELF} OR {SUPERUSER});
CREATE POLICY added ON auth_user FOR INSERT WITH CHECK ({SUPERUSER} AND NOT is_superuser);
CREATE FUNCTION prism_superuser_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.is_superuser AND NOT OLD.is_superuser AND row_security_active('auth_user') THEN
    RAISE EXCEPTION 'superusers are made by manage.py createsuperuser only' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER superuser_guard BEFORE UPDATE ON auth_user FOR EACH ROW EXECUTE FUNCTION prism_superuser_guard();
"""  # noqa: S608 - no outside text
NO_PEOPLE = """
DROP TRIGGER superuser_guard ON auth_user;
DROP FUNCTION prism_superuser_guard();
DROP POLICY seen ON auth_user;
DROP POLICY changed ON auth_user;
DROP POLICY added ON auth_user;
ALTER TABLE auth_user DISABLE ROW LEVEL SECURITY;
"""

# The journal of the admin names the rows it tells about. Django's model does not know the column, its default fills it.
JOURNAL = f"""
ALTER TABLE django_admin_log ADD COLUMN tenant_id bigint DEFAULT {CURRENT_TENANT};
ALTER TABLE django_admin_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON django_admin_log USING (tenant_id = {CURRENT_TENANT}) WITH CHECK (tenant_id = {CURRENT_TENANT});
"""

# They answer while nobody is known yet, and of himself to whoever is.
IDENTITY = f"""
DROP FUNCTION prism_identity(bigint);
DROP FUNCTION prism_tenant(text);
CREATE FUNCTION prism_identity(wanted_user bigint)
RETURNS TABLE (tenant_id bigint, slug text, name text, timezone text, locale text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, t.name::text, t.timezone::text, t.locale::text, m.role::text
  FROM memberships m JOIN tenants t ON t.id = m.tenant_id
  WHERE m.user_id = wanted_user AND t.is_active
    AND (({NOBODY_YET}) OR wanted_user = NULLIF(current_setting('prism.user', true), '')::bigint)
  ORDER BY t.id
$$;
CREATE FUNCTION prism_tenant(wanted_slug text)
RETURNS TABLE (tenant_id bigint, slug text, name text, timezone text, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, t.name::text, t.timezone::text, t.locale::text
  FROM tenants t WHERE t.slug = wanted_slug AND t.is_active AND {NOBODY_YET}
$$;
REVOKE ALL ON FUNCTION prism_identity(bigint), prism_tenant(text) FROM PUBLIC;
"""

# The digest leaves only for the prefix that the caller holds; `last_used_at` moves once a minute at most.
KEYS = f"""
CREATE FUNCTION prism_api_key(wanted_prefix text)
RETURNS TABLE (key_id bigint, tenant_id bigint, slug text, timezone text, locale text, scopes text[], digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT k.id, t.id, t.slug::text, t.timezone::text, t.locale::text, k.scopes::text[], k.digest
  FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
  WHERE k.prefix = wanted_prefix AND k.revoked_at IS NULL AND t.is_active AND {NOBODY_YET}
$$;
CREATE FUNCTION prism_api_key_used(wanted bigint, proof bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  UPDATE api_keys SET last_used_at = now()
  WHERE id = wanted AND digest = proof AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
REVOKE ALL ON FUNCTION prism_api_key(text), prism_api_key_used(bigint, bytea) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_words"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(PEOPLE, NO_PEOPLE),
        migrations.RunSQL(
            JOURNAL,
            "DROP POLICY tenant ON django_admin_log; ALTER TABLE django_admin_log DISABLE ROW LEVEL SECURITY;"
            "ALTER TABLE django_admin_log DROP COLUMN tenant_id;",
        ),
        migrations.RunSQL(IDENTITY, migrations.RunSQL.noop),
        migrations.RunSQL(KEYS, "DROP FUNCTION prism_api_key(text); DROP FUNCTION prism_api_key_used(bigint, bytea);"),
    ]
