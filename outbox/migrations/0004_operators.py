"""What operators may see and do through the web role: no grant on the tables, two views and one function instead."""

from django.db import migrations

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

# A fact belongs to the tenant named in its header. Superusers see all, also facts whose tenant is gone.
VISIBLE = f"""({IS_OPERATOR}) AND (current_setting('prism.superuser', true) = 'on' OR EXISTS (
    SELECT 1 FROM tenants t WHERE t.id = {CURRENT_TENANT} AND t.slug = e.headers ->> 'tenant'))"""

VIEWS = f"""
CREATE VIEW operator_facts WITH (security_barrier = true) AS
SELECT e.id, e.shard, e.topic, e.key, e.headers, e.payload, e.parked_at, e.problem, e.created_at
FROM outbox_events e WHERE {VISIBLE};
CREATE VIEW operator_shards WITH (security_barrier = true) AS
SELECT s.shard, s.owner, s.leased_until, s.epoch, s.owner <> '' AND s.leased_until > now() AS is_leased,
  (SELECT e.created_at FROM outbox_events e WHERE e.shard = s.shard AND e.parked_at IS NULL ORDER BY e.id LIMIT 1) AS oldest_at
FROM outbox_shards s WHERE {IS_OPERATOR};
"""

# Back into the queue; the relay that owns the shard finds it within a second.
RETRY = f"""
CREATE FUNCTION prism_retry_facts(wanted bigint[]) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public AS $$
  WITH retried AS (
    UPDATE outbox_events e SET parked_at = NULL, problem = ''
    WHERE e.id = ANY (wanted) AND e.parked_at IS NOT NULL AND {VISIBLE} RETURNING 1)
  SELECT count(*)::integer FROM retried
$$;
REVOKE ALL ON FUNCTION prism_retry_facts(bigint[]) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_relays"), ("tenants", "0002_security")]

    operations = [
        migrations.RunSQL(VIEWS, "DROP VIEW operator_facts; DROP VIEW operator_shards;"),
        migrations.RunSQL(RETRY, "DROP FUNCTION prism_retry_facts(bigint[]);"),
    ]
