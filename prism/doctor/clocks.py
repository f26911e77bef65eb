"""One clock: leases go by the database's, times of sending by this host's."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _

from prism.doctor.findings import Finding

FAR_S = 2.0


def clocks_agree() -> Iterator[Finding]:
    skew = measured_skew()
    if abs(skew) > FAR_S:
        yield Finding(
            _("This host's clock is %(seconds).1f seconds %(direction)s the database's.")
            % {"seconds": abs(skew), "direction": _("ahead of") if skew > 0 else _("behind")},
            _("Let both keep time by NTP: times of sending would be wrong by as much."),
        )


def measured_skew() -> float:
    """Seconds by which this host is ahead; half of the round trip is taken for the way there."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        after = time.time()
        (theirs,) = cursor.fetchone() or (after,)
    return (before + after) / 2 - float(theirs)
