"""From a message to the request that its provider's configuration describes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, phones
from providers.transports.agent import USER_AGENT
from providers.transports.http.filling import Filler, Texter, Values, json_filler, text_filler, values_of
from providers.transports.lines import header

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

REPORTS_PATH = "reports"
SIGN_IN = "authentication"
MOST_RECIPES = 1000
_JSON, _FORM = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
_COMMON = ("Accept: application/json", USER_AGENT)
_DOTS = (".", "..")


class Recipe(msgspec.Struct, frozen=True):
    """A configuration's templates, made ready."""

    url: Texter
    query: list[tuple[str, Texter]]
    headers: list[tuple[str, Texter]]
    body: Filler | None
    form: list[tuple[str, Texter]] | None


_recipes: dict[str, Recipe] = {}


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    (message,) = messages
    recipe = _recipe_of(settings)
    callback = f"{settings.webhook_url}/{REPORTS_PATH}" if settings.webhook_url else ""
    values = values_of(message, to=_address(settings, message.to), callback_url=callback)
    kind, body = _body(settings, recipe, values)
    lines = [header(name, fill(values)) for name, fill in recipe.headers]
    return WireRequest(
        method=settings.configuration.get("method", "POST"),
        url=_url(recipe, values),
        headers=(*kind, *sign_in_headers(settings), *lines),
        body=body,
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
        wants_headers="message_id_header" in settings.configuration.get("answer", {}),
    )


def sign_in_headers(settings: ProviderSettings) -> tuple[str, ...]:
    """What every request carries, a credential among them where it stands in a header."""
    given = settings.configuration[SIGN_IN]
    kind = given["type"]
    if kind == "bearer_token":
        return (*_COMMON, f"Authorization: Bearer {settings.credentials['authentication.token']}")
    if kind == "basic":
        return (*_COMMON, f"Authorization: Basic {_basic_credential(settings)}")
    if kind == "header":
        scheme = f"{given['scheme']} " if "scheme" in given else ""
        return (*_COMMON, f"{given['header_name']}: {scheme}{settings.credentials['authentication.token']}")
    return _COMMON


def _basic_credential(settings: ProviderSettings) -> str:
    given = settings.configuration[SIGN_IN]
    pair = f"{given.get('username', '')}:{settings.credentials.get('authentication.token', '')}"
    return b64encode(pair.encode()).decode()


def _recipe_of(settings: ProviderSettings) -> Recipe:
    """Made once per configuration and process."""
    recipe = _recipes.get(settings.fingerprint)
    if recipe is None:
        if len(_recipes) >= MOST_RECIPES:
            _recipes.clear()
        recipe = _recipes[settings.fingerprint] = _read_recipe(settings.configuration)
    return recipe


def _read_recipe(configuration: Mapping[str, Any]) -> Recipe:
    form = configuration.get("form")
    return Recipe(
        url=text_filler(configuration["url"], _segment),
        query=_pairs(configuration.get("query", {})),
        headers=_pairs(configuration.get("headers", {})),
        body=json_filler(configuration["body"]) if "body" in configuration else None,
        form=None if form is None else _pairs(form),
    )


def _pairs(templates: Mapping[str, str]) -> list[tuple[str, Texter]]:
    return [(name, text_filler(template)) for name, template in templates.items()]


def _body(settings: ProviderSettings, recipe: Recipe, values: Values) -> tuple[tuple[str, ...], bytes]:
    """The line that names its kind, and the body; a credential that belongs into a field is put there."""
    given = settings.configuration[SIGN_IN]
    own = {given["field_name"]: settings.credentials["authentication.token"]} if given["type"] == "field" else {}
    if recipe.form is not None:
        fields = [(name, filled) for name, fill in recipe.form if (filled := fill(values))]
        return (_FORM,), urlencode([*own.items(), *fields], errors="replace").encode()
    if recipe.body is not None:
        filled = recipe.body(values)
        return (_JSON,), msgspec.json.encode({**own, **filled} if own else filled)
    return (), b""


def _url(recipe: Recipe, values: Values) -> str:
    address = recipe.url(values)
    query = [(name, filled) for name, fill in recipe.query if (filled := fill(values))]
    if not query:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query, errors='replace')}"


def _segment(value: str) -> str:
    """One part of a path, whatever it holds. Dots would lead out of it, nothing would leave it out."""
    if value in _DOTS or not value:
        told = gettext("A value that belongs into the address is missing, or cannot stand there.")
        raise Unsendable(Kind.REJECTED, "INVALID_VALUE", told)
    return quote(value, safe="", errors="replace")


def _address(settings: ProviderSettings, to: str) -> str:
    wanted = settings.configuration.get("address_format", "as_is")
    if wanted == "as_is":
        address = to.strip() or None
    else:
        address = phones.e164_of(to) if wanted == "e164" else phones.digits_of(to)
    if address is None:
        raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_ADDRESS", gettext("The address is not of the form needed."))
    return address
