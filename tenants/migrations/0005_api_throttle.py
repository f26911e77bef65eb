"""How often each caller of the API has asked in the current minute, shared by all web processes.

Counted by a statement of its own before the request's transaction, so the row is locked for no longer than that takes.
The table is unlogged: it costs no WAL, and after a crash everybody starts anew.
"""

from django.db import migrations

THROTTLE = """
CREATE UNLOGGED TABLE api_throttles (
  subject text PRIMARY KEY,
  number bigint NOT NULL,
  used integer NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE api_throttles IS 'requests per caller in the window of this number (epoch / seconds)';

CREATE FUNCTION prism_count_request(wanted text, seconds integer) RETURNS TABLE (used integer, seconds_left integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
  moment double precision := extract(epoch FROM clock_timestamp());
  current_number bigint := floor(moment / seconds);
BEGIN
  -- Callers that went away: now and then, whoever comes takes them out.
  IF random() < 0.001 THEN
    DELETE FROM api_throttles WHERE subject IN (
      SELECT t.subject FROM api_throttles t WHERE t.number < current_number - 10 LIMIT 1000 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN QUERY
    INSERT INTO api_throttles AS t (subject, number, used) VALUES (wanted, current_number, 1)
    ON CONFLICT (subject) DO UPDATE SET
      number = EXCLUDED.number,
      used = CASE WHEN t.number = EXCLUDED.number THEN LEAST(t.used, 2000000000) + 1 ELSE 1 END
    RETURNING t.used, GREATEST(1, ceil((current_number + 1) * seconds - moment))::integer;
END $$;
REVOKE ALL ON FUNCTION prism_count_request(text, integer) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_people")]

    operations = [
        migrations.RunSQL(THROTTLE, "DROP FUNCTION prism_count_request(text, integer); DROP TABLE api_throttles;"),
    ]
