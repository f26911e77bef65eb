"""The rows of messages whose report is out: found by a walk over the history, looked at when their moment has come.

Every step is one short transaction behind row locks that skip each other, so any number of runners may do it, and one
that is killed leaves nothing that the next does not find. Nothing here touches the network (dispatching.polling does).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec
import psycopg

from dispatching import arrays
from dispatching.owing import UNUSABLE_FOR, Look, Owed, State, Watch, next_look
from dispatching.partitions import uuid_floor

WALK_EVERY_S = 15
WALK_CHUNK = 2_000
LOOK_CHUNK = 500
RETAKE_S = 150
"""Past the longest request: whoever asked then is dead or cut off."""
START_BACK = dt.timedelta(minutes=5)
WINDOW = dt.timedelta(hours=1)

# A provider is walked from what is owed now; not from before its row was last changed, when it may have owed nothing.
_WATCH = """
INSERT INTO report_walks (provider_id, tenant_id, reached, walked_at)
SELECT p.id, p.tenant_id,
  (lpad(to_hex((1000 * extract(epoch FROM GREATEST(%(now)s - make_interval(secs => e.after), p.updated_at)
    - %(back)s))::bigint), 12, '0') || repeat('0', 20))::uuid, '-infinity'
FROM unnest(%(ids)s::uuid[], %(after)s::float8[]) AS e (id, after) JOIN providers p ON p.id = e.id
ON CONFLICT DO NOTHING
"""
_UNWATCH = "DELETE FROM report_walks WHERE provider_id <> ALL (%s::uuid[])"
_NEXT_WALK = """
SELECT provider_id::text, tenant_id, reached::text FROM report_walks
WHERE provider_id = ANY (%s::uuid[]) AND walked_at <= %s ORDER BY walked_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# By the index of tenant and id; what another provider sent is passed over.
_WALK = """
WITH span AS MATERIALIZED (
  SELECT id, provider_id, status, provider_message_id, returned_at, scheduled_for FROM dispatches
  WHERE tenant_id = %(tenant_id)s AND id > %(reached)s::uuid AND id < %(until)s::uuid ORDER BY id LIMIT %(chunk)s),
mine AS (
  SELECT *, status IN ('PENDING', 'SCHEDULED') AS waits FROM span WHERE provider_id = %(provider_id)s::uuid),
kept AS (
  INSERT INTO awaited_reports (dispatch_id, tenant_id, provider_id, look_at)
  SELECT id, %(tenant_id)s, provider_id, GREATEST(%(now)s,
    CASE WHEN waits THEN GREATEST(scheduled_for, %(now)s) ELSE returned_at END + make_interval(secs => %(after)s))
  FROM mine WHERE waits OR status = 'SENT' ORDER BY id ON CONFLICT DO NOTHING)
SELECT (SELECT count(*) FROM span), (SELECT id::text FROM span ORDER BY id DESC LIMIT 1),
  (SELECT count(*) FROM mine WHERE waits OR provider_message_id <> '')
"""
_WALKED = """
UPDATE report_walks SET reached = %(reached)s::uuid, walked_at = CASE WHEN %(more)s THEN walked_at ELSE %(now)s END,
  since = CASE WHEN since < %(window)s THEN %(now)s ELSE since END,
  followed = CASE WHEN since < %(window)s THEN 0 ELSE followed END + %(followed)s,
  overdue = CASE WHEN since < %(window)s THEN 0 ELSE overdue END,
  told = told AND since >= %(window)s
WHERE provider_id = %(provider_id)s::uuid
"""
_TAKE = """
SELECT dispatch_id::text, provider_id::text, polls, tries FROM awaited_reports
WHERE look_at <= %s ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_STATES = """
SELECT d.id::text, d.status, d.returned_at, d.scheduled_for, d.provider_message_id,
  EXISTS (SELECT 1 FROM delivery_receipts r WHERE r.dispatch_id = d.id AND r.status <> '')
FROM dispatches d WHERE d.id = ANY (%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid
"""
_DONE = "DELETE FROM awaited_reports WHERE dispatch_id = ANY (%s::uuid[])"
_LATER = """
UPDATE awaited_reports a SET look_at = e.look_at, polls = e.polls, tries = e.tries
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[], %(polls)s::int[], %(tries)s::int[])
  AS e (id, look_at, polls, tries) WHERE a.dispatch_id = e.id
"""
# Receipts lock their dispatch: after this, either theirs is seen by the next statement, or they will see ours.
_LOCK = """
SELECT id::text FROM dispatches WHERE id = ANY (%s::uuid[]) AND id BETWEEN %s::uuid AND %s::uuid AND status = 'SENT'
ORDER BY id FOR SHARE
"""
_OVERDUE = """
WITH late AS (
  INSERT INTO overdue_deliveries (dispatch_id, tenant_id, provider_id, since)
  SELECT a.dispatch_id, a.tenant_id, a.provider_id, e.since
  FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) AS e (id, since)
  JOIN awaited_reports a ON a.dispatch_id = e.id
  WHERE NOT EXISTS (SELECT 1 FROM delivery_receipts r WHERE r.dispatch_id = e.id AND r.status <> '')
  ORDER BY 1 ON CONFLICT DO NOTHING RETURNING provider_id),
counted AS (SELECT provider_id, count(*)::int AS n FROM late GROUP BY 1),
told AS (
  UPDATE report_walks w SET overdue = w.overdue + counted.n FROM counted WHERE w.provider_id = counted.provider_id)
SELECT provider_id::text, n FROM counted
"""
_ALARM = """
UPDATE report_walks SET told = true WHERE NOT told AND followed >= %s AND overdue >= %s * followed
RETURNING provider_id::text, overdue, followed
"""


class Question(msgspec.Struct, frozen=True):
    """A taken message whose vendor is to be asked now. Its row comes back by itself where nobody records an answer."""

    owed: Owed
    message_id: str


class Looked(msgspec.Struct):
    """What one look at the waiting rows led to. `late`: how many became overdue, by provider."""

    taken: int
    questions: list[Question]
    late: dict[str, int]


Watches = Mapping[str, Watch | None]
"""By provider id. Those without a watch cannot be used now: where their walk stands is kept, and what they owe."""


def watch(connection: psycopg.Connection, watches: Watches, now: dt.datetime) -> None:
    """Exactly these providers are walked from now on."""
    usable = {provider_id: found.first_s for provider_id, found in watches.items() if found}
    with connection.transaction():
        connection.execute(_UNWATCH, [arrays.plain(watches)])
        given = {"ids": arrays.plain(usable), "after": arrays.plain(usable.values()), "now": now, "back": START_BACK}
        connection.execute(_WATCH, given)


def walk(connection: psycopg.Connection, watches: Watches, now: dt.datetime) -> tuple[str, int] | None:
    """One chunk of whichever provider is due. (its id, messages that it owes a report of), None where none is due."""
    usable = {provider_id: found.first_s for provider_id, found in watches.items() if found}
    if not usable:
        return None
    with connection.transaction():
        due = now - dt.timedelta(seconds=WALK_EVERY_S)
        row = connection.execute(_NEXT_WALK, [arrays.plain(usable), due]).fetchone()
        if row is None:
            return None
        provider_id, tenant_id, reached = row
        after = usable[provider_id]
        given = {
            "provider_id": provider_id,
            "tenant_id": tenant_id,
            "reached": reached,
            "until": str(uuid_floor(now - dt.timedelta(seconds=after))),
            "after": after,
            "now": now,
            "window": now - WINDOW,
            "chunk": WALK_CHUNK,
        }
        found = connection.execute(_WALK, given).fetchone()
        assert found is not None
        count, last, followed = found
        more = count == WALK_CHUNK
        # What is older than the bound and not seen yet is not there: ids are minted by the clock that `until` is of.
        upto = last if more else max(reached, given["until"])
        connection.execute(_WALKED, {**given, "reached": upto, "more": more, "followed": followed})
    return provider_id, followed


def look(connection: psycopg.Connection, watches: Watches, now: dt.datetime) -> Looked:
    """Judge the rows whose moment has come. Those to be asked about are kept from other looks until RETAKE_S."""
    with connection.transaction():
        rows = connection.execute(_TAKE, [now, LOOK_CHUNK]).fetchall()
        owed = [Owed(*row) for row in rows]
        states = _states(connection, [one.dispatch_id for one in owed])
        done: list[str] = []
        later: list[tuple[Owed, dt.datetime]] = []
        questions: list[Question] = []
        overdue: dict[str, dt.datetime] = {}
        for one in owed:
            if one.provider_id in watches and watches[one.provider_id] is None:
                later.append((one, now + UNUSABLE_FOR))
                continue
            state = states.get(one.dispatch_id)
            found = next_look(one, state, watches.get(one.provider_id), now)
            if found.overdue_since:
                overdue[one.dispatch_id] = found.overdue_since
            if found.step is Look.LATER:
                later.append((one, found.at))
            elif found.step is Look.ASK and state is not None:
                asked = msgspec.structs.replace(one, tries=one.tries + 1)
                later.append((asked, now + dt.timedelta(seconds=RETAKE_S)))
                questions.append(Question(asked, state.message_id))
            else:
                done.append(one.dispatch_id)
        late = _mark(connection, overdue)
        _put_off(connection, later)
        connection.execute(_DONE, [arrays.plain(done)])
    return Looked(len(rows), questions, late)


def answered(cursor: psycopg.Cursor, known: Sequence[str], unknown: Sequence[tuple[Owed, dt.datetime]]) -> None:
    """In the transaction that applies the receipts: who was reported on is done; the others come back later."""
    cursor.execute(_DONE, [arrays.plain(known)])
    _put_off(cursor.connection, unknown)


def raise_alarms(connection: psycopg.Connection, *, least: int, share: float) -> list[tuple[str, int, int]]:
    """(provider id, overdue, followed) where the share of this window is high, once per window."""
    return connection.execute(_ALARM, [least, share]).fetchall()


def _states(connection: psycopg.Connection, ids: Sequence[str]) -> dict[str, State]:
    if not ids:
        return {}
    rows = connection.execute(_STATES, [arrays.plain(ids), min(ids), max(ids)]).fetchall()
    return {row[0]: State(*row[1:]) for row in rows}


def _mark(connection: psycopg.Connection, overdue: Mapping[str, dt.datetime]) -> dict[str, int]:
    if not overdue:
        return {}
    ids = sorted(overdue)
    rows = connection.execute(_LOCK, [arrays.plain(ids), ids[0], ids[-1]]).fetchall()
    still = [row[0] for row in rows]
    given = {"ids": arrays.plain(still), "moments": arrays.texts([overdue[one].isoformat() for one in still])}
    return dict(connection.execute(_OVERDUE, given).fetchall())


def _put_off(connection: psycopg.Connection, rows: Sequence[tuple[Owed, dt.datetime]]) -> None:
    if rows:
        owed = [one for one, _moment in rows]
        connection.execute(
            _LATER,
            {
                "ids": arrays.plain([one.dispatch_id for one in owed]),
                "moments": arrays.texts([moment.isoformat() for _one, moment in rows]),
                "polls": arrays.plain([one.polls for one in owed]),
                "tries": arrays.plain([one.tries for one in owed]),
            },
        )
