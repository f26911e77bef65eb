"""The sandbox vendor's one page: what it accepted lately, and how to make it misbehave."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from providers.sandbox.behaviours import TABLE
from providers.sandbox.ledger import Ledger

FRAME = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%;margin-bottom:2rem}}
th,td{{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ccc;overflow-wrap:anywhere}}</style>
</head><body><main><h1>{title}</h1><p>{counts}</p>
<h2>{lately}</h2>{accepted}<h2>{how}</h2><p>{explained}</p>{table}</main></body></html>"""


def render(ledger: Ledger) -> str:
    """A page of its own: no script, no style sheet, nothing loaded from elsewhere."""
    counts = _("%(total)s accepted, %(twice)s keys more than once, %(repeated)s repeats recognised") % {
        "total": ledger.total,
        "twice": len(ledger.twice),
        "repeated": ledger.repeated,
    }
    accepted = [[line.received_at, line.to, line.idempotency_key, line.count] for line in reversed(ledger.recent)]
    choices = [
        [f"sandbox-{each.name}", f"…0000{each.phone_code}", _("yes") if each.accepts else _("no"), _(each.says)]
        for each in TABLE
    ]
    return FRAME.format(
        lang=get_language() or "en",
        title=_("Sandbox vendor"),
        counts=counts,
        lately=_("Accepted lately"),
        accepted=_table([_("Received"), _("To"), _("Idempotency key"), _("Times")], accepted),
        how=_("Behaviour by recipient"),
        explained=_("A phone number chooses by how it ends, any other address by a text inside it."),
        table=_table([_("Address holds"), _("Number ends in"), _("Taken"), _("Answer")], choices),
    )


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
