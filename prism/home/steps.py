"""What to do first in an empty installation."""

from __future__ import annotations

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Step(msgspec.Struct, frozen=True):
    """One of the first things to do in an empty installation."""

    kind: str
    title: str | Promise
    text: str | Promise
    done: bool


def steps(*, provider: bool, template: bool, campaign: bool, dispatch: bool) -> tuple[Step, ...]:
    return (
        Step(
            "provider",
            _("Create a provider"),
            _("Who carries the messages: its address and credentials. Its connection can be tested."),
            provider,
        ),
        Step("template", _("Write a template"), _("The text, with {{placeholders}} for what differs."), template),
        Step("campaign", _("Create a campaign"), _("Template and provider together, to whom and when."), campaign),
        Step(
            "dispatch",
            _("Send a test trigger"),
            _("An event with the campaign's name, through Kafka or the API. It shows up under Dispatches."),
            dispatch,
        ),
    )
