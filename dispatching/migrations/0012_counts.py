"""Changes into each status, counted by the statement that tells them: a trigger on the outbox, once per statement.

Every fact passes there, whichever worker, person or function moves the dispatch, so counts and facts cannot differ.
The join is an index probe per fact, whatever the statistics of a table say that is never analysed as a whole.
"""

import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import protect

COUNT = """
CREATE FUNCTION prism_count_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, provider_id, status, changes)
  SELECT d.tenant_id, date_trunc('hour', now(), 'UTC'), d.campaign_id, d.provider_id, d.status, count(*)
  FROM (SELECT (headers ->> 'dispatch_id')::uuid AS id FROM told WHERE topic = 'dispatch') t
  JOIN dispatches d ON d.id = t.id
  GROUP BY d.tenant_id, d.campaign_id, d.provider_id, d.status;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION prism_count_changes() FROM PUBLIC;
CREATE TRIGGER count_changes AFTER INSERT ON outbox_events REFERENCING NEW TABLE AS told
FOR EACH STATEMENT EXECUTE FUNCTION prism_count_changes();
"""
NO_MORE = """
DROP TRIGGER count_changes ON outbox_events;
DROP FUNCTION prism_count_changes();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0002_security"),
        ("dispatching", "0011_receipts"),
        ("outbox", "0001_initial"),
        ("providers", "0002_security"),
        ("tenants", "0002_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="DispatchCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(verbose_name="hour")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SCHEDULED", "Scheduled"),
                            ("SENT", "Sent"),
                            ("DELIVERED", "Delivered"),
                            ("READ", "Read"),
                            ("FAILED", "Failed"),
                            ("UNKNOWN", "Unknown"),
                            ("CONTROL_GROUP", "Control group"),
                            ("REFUSED", "Refused"),
                            ("EXPIRED", "Expired"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        max_length=15,
                        verbose_name="status",
                    ),
                ),
                ("changes", models.IntegerField(verbose_name="changes")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="campaigns.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="providers.provider",
                        verbose_name="provider",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="tenants.tenant", verbose_name="tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "count of dispatches",
                "verbose_name_plural": "counts of dispatches",
                "db_table": "dispatch_counts",
                "indexes": [models.Index(fields=["tenant", "hour"], name="dispatch_counts_hour")],
            },
        ),
        protect("dispatch_counts"),
        migrations.RunSQL(COUNT, NO_MORE),
    ]
