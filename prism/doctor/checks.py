"""All questions, in the order in which they are asked, and how they are asked."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prism.doctor import clocks, kafka, positions, processes, queues, roles, schema, tenancy, vendors
from prism.doctor.findings import Answer, Check, Finding

LIMIT_MS = 10_000

DATABASE = "database"
MIGRATED = ("database", "migrations")

CHECKS: tuple[Check, ...] = (
    Check(DATABASE, gettext_lazy("Database"), roles.database_answers),
    Check("web_role", gettext_lazy("Web role"), roles.web_role_is_weak, (DATABASE,)),
    Check("web_sign_in", gettext_lazy("Web role's sign-in"), roles.web_role_gets_in, (DATABASE, "web_role")),
    Check("migrations", gettext_lazy("Migrations"), schema.migrations_are_applied, (DATABASE,)),
    Check("web_rights", gettext_lazy("Web role's rights"), roles.web_role_has_its_rights, (*MIGRATED, "web_role")),
    Check("partitions", gettext_lazy("Partitions"), schema.partitions_are_there, MIGRATED),
    Check("clocks", gettext_lazy("Clocks"), clocks.clocks_agree, (DATABASE,)),
    Check("tenants", gettext_lazy("Organisations"), tenancy.named_tenants_exist, MIGRATED),
    Check("workers", gettext_lazy("Consumer and sender"), processes.workers_are_alive, MIGRATED),
    Check("dead_workers", gettext_lazy("Dead workers"), processes.dead_workers_are_replaced, MIGRATED),
    Check("silent_workers", gettext_lazy("Silent workers"), processes.silent_workers_are_reaped, MIGRATED),
    Check("relay", gettext_lazy("Relay"), processes.relay_is_alive, MIGRATED),
    Check("jobs", gettext_lazy("Periodic jobs"), processes.jobs_run, MIGRATED),
    Check("queue", gettext_lazy("Queue"), queues.queue_moves, MIGRATED),
    Check("outbox", gettext_lazy("Outbox"), queues.outbox_moves, MIGRATED),
    Check("unknown", gettext_lazy("Unknown outcomes"), queues.few_are_unknown, MIGRATED),
    Check("secrets", gettext_lazy("Secrets"), vendors.secrets_can_be_read, MIGRATED),
    Check("providers", gettext_lazy("Providers"), vendors.providers_can_be_used, MIGRATED),
    Check("provider_circuits", gettext_lazy("Providers in use"), vendors.providers_are_in_use, MIGRATED),
    Check("provider_reports", gettext_lazy("Providers' reports"), vendors.vendors_can_report, MIGRATED),
    Check("provider_hosts", gettext_lazy("Providers' hosts"), vendors.providers_can_be_reached, MIGRATED),
    Check("kafka", gettext_lazy("Kafka"), kafka.kafka_answers),
    Check("topics", gettext_lazy("Topics"), kafka.topics_exist, ("kafka",)),
    Check("positions", gettext_lazy("Positions"), positions.positions_hold, (*MIGRATED, "kafka")),
)


def ask_all(checks: tuple[Check, ...] = CHECKS) -> Iterator[Answer]:
    """One answer per check; a check whose needs were not met is not asked."""
    healthy: set[str] = set()
    for check in checks:
        findings = _ask(check) if healthy.issuperset(check.needs) else None
        answer = Answer(check.name, str(check.title), findings)
        if answer.healthy:
            healthy.add(check.name)
        yield answer


def _ask(check: Check) -> list[Finding]:
    """In a transaction of its own with a time limit. A check that fails itself is a finding, never a traceback."""
    if DATABASE not in check.needs:
        return list(check.run())
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(LIMIT_MS)])
            return list(check.run())
    except Exception as error:  # noqa: BLE001 - whatever it is, the other questions still want their answers
        text = f"{type(error).__name__}: {roles.first_line(error)}"
        return [
            Finding(
                _("This could not be found out: %(error)s") % {"error": text},
                _("Look at the database's log and its load, and ask again."),
            )
        ]
