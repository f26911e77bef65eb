"""What the schema cannot say of a declarative HTTP configuration: contradictions, and what would be ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from providers.transports.http.filling import NAMES, ONE_VARIABLE, is_known, names_in
from providers.transports.knobs import check_knobs
from providers.transports.sources import check_source, is_given

Found = Iterator[tuple[str, str]]
TEMPLATED = ("url", "headers", "query", "body", "form")
# Set by Prism or by the wire.
RESERVED_HEADERS = {
    *("accept", "connection", "content-length", "content-type", "cookie", "expect", "host", "te", "trailer"),
    *("transfer-encoding", "upgrade", "user-agent"),
}
# Which keys of `authentication` each type uses; the token apart.
USED: dict[str, tuple[str, ...]] = {
    "bearer_token": (),
    "header": ("header_name", "scheme"),
    "basic": ("username",),
    "field": ("field_name",),
    "none": (),
}
NEEDED: dict[str, str] = {"header": "header_name", "basic": "username", "field": "field_name"}
HMAC_ONLY = ("algorithm", "encoding", "prefix", "timestamp_header")
IDS = ("message_id", "message_id_header", "id_is_ours")


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message)."""
    return [
        *_placeholders(configuration),
        *_body(configuration),
        *_headers(configuration.get("headers", {})),
        *_authentication(configuration["authentication"]),
        *_said_twice(configuration),
        *_ids(configuration),
        *_reports(configuration.get("reports")),
        *_repeats(configuration),
        *check_knobs(configuration),
    ]


def _placeholders(configuration: Mapping[str, Any]) -> Found:
    for key in TEMPLATED:
        template = configuration.get(key)
        if isinstance(template, Mapping):
            for name, inner in template.items():
                yield from _unknown(f"{key}.{name}", inner)
                if any(names_in(str(name))):
                    yield f"{key}.{name}", gettext("a placeholder may stand in a value, not in a name")
        else:
            yield from _unknown(key, template)


def _unknown(path: str, template: Any) -> Found:
    for name in names_in(template):
        if not is_known(name):
            known = ", ".join([*NAMES, f"{ONE_VARIABLE}…"])
            told = gettext("{{%(name)s}} is no placeholder; known here: %(known)s")
            yield path, told % {"name": name[:50], "known": known}
            return


def _body(configuration: Mapping[str, Any]) -> Found:
    if "body" in configuration and "form" in configuration:
        yield "form", gettext("give body or form, not both")
    if configuration.get("method") == "GET":
        for key in ("body", "form"):
            if key in configuration:
                yield key, gettext("a GET has no body: use query")
    has_fields = "form" in configuration or isinstance(configuration.get("body"), Mapping)
    if configuration["authentication"]["type"] == "field" and not has_fields:
        yield "authentication.type", gettext("a token in a field needs a form, or a body that is a JSON object")
    if "to" not in set(names_in([configuration.get(key) for key in TEMPLATED])):
        yield "body", gettext("nothing says whom the message is for: {{to}} is missing")


def _headers(headers: Mapping[str, str]) -> Found:
    for name in headers:
        if name.lower() in RESERVED_HEADERS:
            yield f"headers.{name}", gettext("this header is set by Prism")
        elif not (name.isascii() and name.replace("-", "").isalnum()):
            yield f"headers.{name}", gettext("this is no name of a header")


def _authentication(given: Mapping[str, Any]) -> Found:
    kind = given["type"]
    yield from check_source(given, "token", ("authentication",), required=kind != "none")
    if kind == "none" and is_given(given, "token"):
        key = "token_env_var" if "token_env_var" in given else "token_secret"
        yield f"authentication.{key}", gettext("is not used with the type none")
    needed = NEEDED.get(kind)
    if needed and needed not in given:
        yield f"authentication.{needed}", gettext("is needed with the type %(type)s") % {"type": kind}
    for key in ("header_name", "scheme", "username", "field_name"):
        if key in given and key not in USED[kind]:
            yield f"authentication.{key}", gettext("is not used with the type %(type)s") % {"type": kind}
    if given.get("header_name", "").lower() in RESERVED_HEADERS:
        yield "authentication.header_name", gettext("this header is set by Prism")


def _said_twice(configuration: Mapping[str, Any]) -> Found:
    """What would stand in the place of the credential."""
    given = configuration["authentication"]
    line = {"bearer_token": "Authorization", "basic": "Authorization"}.get(given["type"], given.get("header_name", ""))
    for name in configuration.get("headers", {}):
        if line and name.lower() == line.lower():
            yield f"headers.{name}", gettext("the credential stands there already")
    field = given.get("field_name")
    for key in ("body", "form"):
        part = configuration.get(key)
        if given["type"] == "field" and isinstance(part, Mapping) and field in part:
            yield f"{key}.{field}", gettext("the credential stands there already")


def _ids(configuration: Mapping[str, Any]) -> Found:
    answer = configuration["answer"]
    given = [name for name in IDS if answer.get(name)]
    if not given:
        yield (
            "answer.message_id",
            gettext("is needed, or message_id_header, or id_is_ours: reports find messages by it"),
        )
    elif len(given) > 1:
        yield f"answer.{given[1]}", gettext("give one of %(keys)s") % {"keys": ", ".join(IDS)}
    if answer.get("id_is_ours") and not _says_dispatch_id(configuration):
        yield "answer.id_is_ours", gettext("needs {{dispatch_id}} in the request")


def _reports(reports: Mapping[str, Any] | None) -> Found:
    if reports is None:
        return
    how = reports["authentication"]
    yield from check_source(how, "token", ("reports", "authentication"))
    unused = HMAC_ONLY if how["type"] == "header" else ("scheme",)
    for key in unused:
        if key in how:
            yield f"reports.authentication.{key}", gettext("is not used with the type %(type)s") % {"type": how["type"]}
    if "message_id" not in reports and "dispatch_id" not in reports:
        yield "reports.message_id", gettext("is needed, or dispatch_id: which message is a report about?")
    if not any(reports.get("meanings", {}).values()):
        yield "reports.meanings", gettext("is needed: without it no report says anything")


def _repeats(configuration: Mapping[str, Any]) -> Found:
    if configuration.get("idempotent") and not _says_dispatch_id(configuration):
        yield "idempotent", gettext("needs {{dispatch_id}} in the request: by it the vendor tells repeats")


def _says_dispatch_id(configuration: Mapping[str, Any]) -> bool:
    return "dispatch_id" in set(names_in([configuration.get(key) for key in TEMPLATED]))
