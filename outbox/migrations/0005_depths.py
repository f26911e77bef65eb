"""How deep each shard is, up to ten thousand; and whether the fact of a dispatch has left. The texts are frozen."""

from django.db import migrations, models

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

COUNTED = 10_000
LOOKED_AT = 1_000

BEFORE = f"""
CREATE VIEW operator_shards WITH (security_barrier = true) AS
SELECT s.shard, s.owner, s.leased_until, s.epoch, s.owner <> '' AND s.leased_until > now() AS is_leased,
  (SELECT e.created_at FROM outbox_events e WHERE e.shard = s.shard AND e.parked_at IS NULL ORDER BY e.id LIMIT 1) AS oldest_at
FROM outbox_shards s WHERE {IS_OPERATOR};
"""

VIEW = f"""
CREATE OR REPLACE VIEW operator_shards WITH (security_barrier = true) AS
SELECT s.shard, s.owner, s.leased_until, s.epoch, s.owner <> '' AND s.leased_until > now() AS is_leased,
  (SELECT e.created_at FROM outbox_events e WHERE e.shard = s.shard AND e.parked_at IS NULL ORDER BY e.id LIMIT 1) AS oldest_at,
  (SELECT count(*)::integer FROM (SELECT 1 FROM outbox_events e WHERE e.shard = s.shard AND e.parked_at IS NULL
    ORDER BY e.id LIMIT {COUNTED}) e) AS waiting
FROM outbox_shards s WHERE {IS_OPERATOR};
"""

# A shard is read in order, so what is not among its first rows has left, unless the shard is deep: then nobody says.
STATE = f"""
CREATE FUNCTION prism_fact_state(dispatch text, contact_key text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH mine AS (SELECT slug FROM tenants WHERE id = {CURRENT_TENANT}),
  waiting AS (
    SELECT e.headers FROM outbox_events e
    WHERE e.shard = hashtext(contact_key) & 7 AND e.parked_at IS NULL ORDER BY e.id LIMIT {LOOKED_AT}),
  parked AS (
    SELECT e.headers, e.key FROM outbox_events e
    WHERE e.parked_at IS NOT NULL ORDER BY e.parked_at DESC LIMIT {LOOKED_AT})
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM parked p, mine m WHERE p.key = contact_key AND p.headers ->> 'dispatch_id' = dispatch
      AND p.headers ->> 'tenant' = m.slug) THEN 'parked'
    WHEN EXISTS (SELECT 1 FROM waiting w, mine m WHERE w.headers ->> 'dispatch_id' = dispatch
      AND w.headers ->> 'tenant' = m.slug) THEN 'waiting'
    WHEN (SELECT count(*) FROM waiting) < {LOOKED_AT} THEN 'published'
    ELSE '' END
$$;
REVOKE ALL ON FUNCTION prism_fact_state(text, text) FROM PUBLIC;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_operators"), ("tenants", "0002_security")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name="operatorshard",
                    name="waiting",
                    field=models.IntegerField(default=0, verbose_name="waiting"),
                    preserve_default=False,
                )
            ]
        ),
        migrations.RunSQL(VIEW, "DROP VIEW operator_shards;" + BEFORE),
        migrations.RunSQL(STATE, "DROP FUNCTION prism_fact_state(text, text);"),
    ]
