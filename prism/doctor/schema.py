"""Migrations, partitions, and the keys of encrypted values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatching.partitions import missing_partitions
from prism.doctor.findings import Finding
from prism.readiness import unapplied_migrations

SOON_WEEKS = 2


def migrations_are_applied() -> Iterator[Finding]:
    waiting = unapplied_migrations()
    if waiting:
        yield Finding(
            ngettext(
                "%(count)d migration is not applied: %(first)s.",
                "%(count)d migrations are not applied, the first is %(first)s.",
                len(waiting),
            )
            % {"count": len(waiting), "first": waiting[0]},
            _("Run manage.py migrate, before the processes of this version start."),
        )


def partitions_are_there() -> Iterator[Finding]:
    """Without this week's, nothing can be planned; without the next ones, soon."""
    now = dt.datetime.now(dt.UTC)
    missing = missing_partitions(connection, now, weeks_ahead=0)
    soon = [name for name in missing_partitions(connection, now, weeks_ahead=SOON_WEEKS) if name not in missing]
    do = _("Run manage.py ensure_partitions, then find out why the hourly job of that name does not run.")
    if missing:
        yield Finding(
            _("This week's partitions are missing: %(names)s. Nothing can be planned.") % {"names": ", ".join(missing)},
            do,
        )
    if soon:
        yield Finding(_("Partitions of the next weeks are missing: %(names)s.") % {"names": ", ".join(soon)}, do)
