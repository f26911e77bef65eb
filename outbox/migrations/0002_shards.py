"""The eight shards, and a table that is emptied as fast as it fills."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO outbox_shards (shard, owner, epoch) SELECT n, '', 0 FROM generate_series(0, 7) n;",
            "DELETE FROM outbox_shards;",
        ),
        migrations.RunSQL(
            """
            ALTER TABLE outbox_events SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
              autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_cost_delay = 0);
            """,
            migrations.RunSQL.noop,
        ),
    ]
