"""A second factor is its owner's alone; others learn whether there is one, and administrators may take it away."""

from django.db import migrations

NOBODY_YET = "COALESCE(current_setting('prism.tenant', true), '') = '' AND COALESCE(current_setting('prism.user', true), '') = ''"
ME = "NULLIF(current_setting('prism.user', true), '')::bigint"
HERE = "NULLIF(current_setting('prism.tenant', true), '')::bigint"
SUPERUSER = "current_setting('prism.superuser', true) = 'on'"

OWN = "\n".join(
    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
    f"CREATE POLICY own ON {table} USING (user_id = {ME}) WITH CHECK (user_id = {ME});"
    for table in ("second_factors", "recovery_codes")
)
NOT_OWN = "\n".join(
    f"DROP POLICY own ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"
    for table in ("second_factors", "recovery_codes")
)

IDENTITY = f"""
DROP FUNCTION prism_identity(bigint);
DROP FUNCTION prism_tenant(text);
CREATE FUNCTION prism_identity(wanted_user bigint)
RETURNS TABLE (tenant_id bigint, slug text, name text, timezone text, locale text, second_factor text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, t.name::text, t.timezone::text, t.locale::text, t.second_factor::text, m.role::text
  FROM memberships m JOIN tenants t ON t.id = m.tenant_id
  WHERE m.user_id = wanted_user AND t.is_active AND (({NOBODY_YET}) OR wanted_user = {ME})
  ORDER BY t.id
$$;
CREATE FUNCTION prism_tenant(wanted_slug text)
RETURNS TABLE (tenant_id bigint, slug text, name text, timezone text, locale text, second_factor text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, t.name::text, t.timezone::text, t.locale::text, t.second_factor::text
  FROM tenants t WHERE t.slug = wanted_slug AND t.is_active AND {NOBODY_YET}
$$;
CREATE FUNCTION prism_second_factor(wanted_user bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT id FROM second_factors
  WHERE user_id = wanted_user AND confirmed AND (({NOBODY_YET}) OR wanted_user = {ME} OR {SUPERUSER}
    OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = wanted_user AND m.tenant_id = {HERE}))
$$;
-- A superuser anybody's; an administrator those of his people who are no superusers.
CREATE FUNCTION prism_reset_second_factor(wanted_user bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NOT ({SUPERUSER} OR (
    EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = {ME} AND m.tenant_id = {HERE} AND m.role = 'admin')
    AND EXISTS (SELECT 1 FROM memberships m JOIN auth_user u ON u.id = m.user_id
      WHERE m.user_id = wanted_user AND m.tenant_id = {HERE} AND NOT u.is_superuser))) THEN
    RETURN false;
  END IF;
  DELETE FROM recovery_codes WHERE user_id = wanted_user;
  DELETE FROM second_factors WHERE user_id = wanted_user;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION prism_identity(bigint), prism_tenant(text), prism_second_factor(bigint),
  prism_reset_second_factor(bigint) FROM PUBLIC;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_second_factor")]

    operations = [
        migrations.RunSQL(OWN, NOT_OWN),
        migrations.RunSQL(
            IDENTITY, "DROP FUNCTION prism_second_factor(bigint); DROP FUNCTION prism_reset_second_factor(bigint);"
        ),
    ]
