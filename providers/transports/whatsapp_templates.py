"""WhatsApp's message templates, in the shape that Meta defined and that Blip and Evolution pass on. Pure."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.messages import Message
from providers.transports.media import media_of

POSITIONAL, NAMED = "positional", "named"
LANGUAGE = "^[a-z]{2,3}(_[A-Z]{2})?$"

LANGUAGE_PART: dict[str, Any] = {
    "type": "string",
    "pattern": LANGUAGE,
    "maxLength": 6,
    "examples": ["pt_BR"],
    "title": _("Language"),
    "description": _("In which the template was approved, such as pt_BR."),
}
PARTS: dict[str, Any] = {
    "language": LANGUAGE_PART,
    "parameter_format": {
        "enum": [POSITIONAL, NAMED],
        "default": POSITIONAL,
        "title": _("Variables"),
        "description": _("How the approved template marks its variables."),
        "x-titles": {
            POSITIONAL: _("By number: {{1}}, {{2}}, in the order of our own template"),
            NAMED: _("By name: {{first_name}}"),
        },
    },
    "button_variable": {
        "type": "string",
        "pattern": "^\\w{1,100}$",
        "maxLength": 100,
        "title": _("Variable of the button"),
        "description": _(
            "Fills the end of the address of a link button, instead of a variable of the text. Empty: no button with"
            " a variable."
        ),
    },
    "button_index": {
        "x-rare": True,
        "type": "integer",
        "minimum": 0,
        "maximum": 9,
        "default": 0,
        "title": _("Which button"),
        "description": _("Counted from 0, as the approved template shows them."),
    },
}
TEMPLATE: dict[str, Any] = {
    "type": "object",
    "x-open": True,
    "title": _("Approved templates"),
    "description": _(
        "Outside of 24 hours since the person last wrote, WhatsApp takes only templates that it has approved. With a"
        " language here, a message goes out by the approved template that is called like its template code; without"
        " one, as plain text."
    ),
    "additionalProperties": False,
    "required": ["language"],
    "properties": PARTS,
}


def check_template(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    template = configuration.get("template", {})
    if "button_index" in template and "button_variable" not in template:
        return [("template.button_index", gettext("is used with button_variable only"))]
    return []


def components_of(template: dict[str, Any], message: Message) -> list[dict[str, Any]]:
    """Header (the message's media), body (its variables, in the template's order) and link button, each where there is
    something to fill in."""
    found: list[dict[str, Any]] = []
    if message.media_url:
        found.append({"type": "header", "parameters": [_media_parameter(message.media_url)]})
    button = template.get("button_variable")
    is_named = template.get("parameter_format") == NAMED
    body = [
        {"type": "text", **({"parameter_name": name} if is_named else {}), "text": message.variables.get(name, "")}
        for name in message.placeholders or message.variables
        if name != button
    ]
    if body:
        found.append({"type": "body", "parameters": body})
    if button is not None:
        text = {"type": "text", "text": message.variables.get(button, "")}
        index = str(template.get("button_index", 0))
        found.append({"type": "button", "sub_type": "url", "index": index, "parameters": [text]})
    return found


def language_of(template: dict[str, Any]) -> dict[str, str]:
    return {"code": template["language"], "policy": "deterministic"}


def _media_parameter(url: str) -> dict[str, Any]:
    media = media_of(url).with_caption()  # a header is never an audio
    named = {"filename": media.name} if media.kind == "document" else {}
    return {"type": media.kind, media.kind: {"link": url, **named}}
