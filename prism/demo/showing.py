"""What a person at the terminal sees: steps with their time, the table of outcomes, the facts, where to go next."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    # These need Django's settings, which the demo has only once the services are up.
    from prism.demo.outcomes import Dispatch, Outcome
    from prism.demo.publishing import Fact
    from prism.demo.running import Running

COLOURS = {
    "SENT": "green",
    "DELIVERED": "green",
    "SCHEDULED": "cyan",
    "CONTROL_GROUP": "blue",
    "REFUSED": "yellow",
    "FAILED": "red",
    "UNKNOWN": "magenta",
    "REJECTED": "yellow",
    "REPEATED": "blue",
}


class Screen:
    def __init__(self) -> None:
        self.console = Console(highlight=False, width=None if Console().is_terminal else 160)

    def say(self, line: str) -> None:
        self.console.print(f"  [dim]{escape(line)}[/dim]")

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step that takes a while: a spinner at a terminal, and its time when done."""
        begun = time.monotonic()
        with self.console.status(f"{escape(title)} …"):
            yield
        self.console.print(f"[green]✓[/green] {escape(title)} [dim]({time.monotonic() - begun:.1f} s)[/dim]")

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        table = Table(title="What happened to each trigger, and why", title_justify="left", show_lines=False)
        for heading in ("", "Trigger", "Outcome", "Why"):
            table.add_column(heading, overflow="fold")
        for outcome in outcomes:
            mark = "[green]✓[/green]" if outcome.is_expected else "[red]✗[/red]"
            rows = _rows(outcome)
            for position, (state, why) in enumerate(rows):
                first = position == 0
                table.add_row(mark if first else "", escape(outcome.sample.title) if first else "", state, escape(why))
        self.console.print(table)

    def facts(self, facts: Sequence[Fact], topic: str) -> None:
        table = Table(title=f"Read back from {topic}", title_justify="left")
        for heading in ("Journey", "Channel", "Status", "Took", "Correlation id", "Error"):
            table.add_column(heading, overflow="fold")
        for fact in facts:
            body = fact.body
            took = body.get("processing_time_ms")
            table.add_row(
                escape(str(body["journey_name"])),
                escape(str(body["channel"])),
                _coloured(str(body["status"])),
                f"{took} ms" if took is not None else "",
                str(body["correlation_id"])[:8] + "…",
                escape(str(body["error_message"] or "")),
            )
        self.console.print(table)

    def where(self, up: Running) -> None:
        table = Table(show_header=False, box=None, padding=(0, 2))
        for name, value in (
            ("Admin", up.address),
            ("Login", f"{up.username} / {up.password}"),
            ("Sandbox vendor", up.vendor),
            ("Metrics", up.metrics),
            ("Logs", up.logs),
        ):
            table.add_row(f"[bold]{name}[/bold]", escape(value))
        self.console.print(table)

    def differences(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            expected = (
                outcome.sample.rejection
                or ("REPEATED" if outcome.sample.repeat else "")
                or ", ".join(" ".join(filter(None, (s.channel, s.status, s.reason))) for s in outcome.sample.states)
            )
            self.console.print(f"[red]Not as expected:[/red] {escape(outcome.sample.title)}: expected {expected}.")
        if outcomes:
            self.say("If you changed the sample campaigns, this puts them back: make demo ARGS=--reset")


def _rows(outcome: Outcome) -> list[tuple[str, str]]:
    """(coloured state, explanation) of the rejection, or of each dispatch."""
    if outcome.rejection is not None:
        rejection = outcome.rejection
        where = f" (at {rejection.path})" if rejection.path else ""
        return [(_coloured("REJECTED", rejection.code), f"{rejection.message}{where}")]
    if not outcome.passed:
        return [("[red]not consumed yet[/red]", "")]
    if outcome.sample.repeat:
        kept = ", ".join(f"{dispatch.channel} {dispatch.status}" for dispatch in outcome.dispatches)
        return [(_coloured("REPEATED"), f"the ledger has this id already: {kept}; nothing is sent again")]
    return [(_coloured(dispatch.status, dispatch.channel), _why(dispatch)) for dispatch in outcome.dispatches] or [
        ("[red]nothing[/red]", "the ledger does not know it")
    ]


def _why(dispatch: Dispatch) -> str:
    from dispatching.reasons import EXPLANATIONS

    if dispatch.status == "SENT":
        tries = f", at try {dispatch.attempts}" if dispatch.attempts > 1 else ""
        waited = f"; was scheduled for {dispatch.scheduled_local}" if dispatch.scheduled_local else ""
        return f"{dispatch.provider} accepted it{tries}{waited}"
    if dispatch.status == "DELIVERED":
        return f"{dispatch.provider} accepted it and reported it as delivered"
    if dispatch.status == "SCHEDULED":
        return f"waits until {dispatch.scheduled_local}"
    if dispatch.status == "UNKNOWN":
        return f"{dispatch.provider}: {dispatch.error}; it may have arrived, so it is not sent again"
    if dispatch.status == "FAILED":
        return f"{dispatch.provider}: {dispatch.error}"
    return dispatch.error or str(EXPLANATIONS.get(dispatch.reason, dispatch.reason))


def _coloured(status: str, detail: str = "") -> str:
    colour = COLOURS.get(status, "white")
    return f"[{colour}]{status}[/{colour}]" + (f" {escape(detail)}" if detail else "")
