"""Which dispatch a vendor's message id means: a child of `dispatches`, found by a digest (decision 29).

By week like its parent, not by digest: then only the index of the newest week is written to, and old weeks leave without
a row deleted. The look-up goes from the newest week on.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from dispatching.partitions import adopt_weeks
from tenants.rls import protect

MESSAGES = """
CREATE TABLE provider_messages (
  key uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  tenant_id bigint NOT NULL,
  PRIMARY KEY (key, dispatch_id)
) PARTITION BY RANGE (dispatch_id);
"""


def weeks_of_the_history(apps: Any, schema_editor: Any) -> None:
    adopt_weeks(schema_editor.connection, "provider_messages")


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0007_unsettled"), ("tenants", "0002_security")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ProviderMessage",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "key", "dispatch_id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("key", models.UUIDField()),
                        ("dispatch_id", models.UUIDField(verbose_name="dispatch")),
                        (
                            "tenant",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="tenants.tenant",
                                verbose_name="tenant",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "provider's message",
                        "verbose_name_plural": "providers' messages",
                        "db_table": "provider_messages",
                    },
                )
            ],
            database_operations=[migrations.RunSQL(MESSAGES, "DROP TABLE provider_messages;")],
        ),
        protect("provider_messages"),
        migrations.RunPython(weeks_of_the_history, migrations.RunPython.noop),
    ]
