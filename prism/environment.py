"""Reads the environment once, strictly: a missing or malformed variable is one line that says what to set."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

_ALLOWED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?(@[A-Za-z0-9.-]+(:\d+)?)?")
_KAFKA_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")

Environment = Literal["production", "development", "test"]


def fail(variable: str, problem: str, hint: str) -> ImproperlyConfigured:
    """The one shape of every start-up error: `NAME: what is wrong. What to set.`"""
    return ImproperlyConfigured(f"{variable}: {problem}. {hint}")


def required(variable: str, hint: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise fail(variable, "is not set", hint)
    return value


def optional(variable: str, default: str) -> str:
    return os.environ.get(variable, "").strip() or default


def integer(variable: str, default: int, *, low: int, high: int) -> int:
    raw = os.environ.get(variable, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError as error:
        raise fail(variable, f"{raw!r} is not a whole number", f"Set it between {low} and {high}") from error
    if not low <= value <= high:
        raise fail(variable, f"{value} is out of range", f"Set it between {low} and {high}")
    return value


def program(arguments: list[str]) -> str:
    """What runs, by its own name: the management command, else the script or package."""
    script = Path(arguments[0]) if arguments else Path("python")
    name = script.parent.name if script.stem == "__main__" else script.stem
    if script.stem in ("manage", "django-admin") and len(arguments) > 1:
        name = arguments[1]
    return re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:60] or "python"


def flag(variable: str, default: bool) -> bool:
    raw = os.environ.get(variable, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise fail(variable, f"{raw!r} is not a yes or a no", "Set it to true or false")


def words(variable: str) -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [word.strip() for word in os.environ.get(variable, "").split(",") if word.strip()]


def choice(variable: str, default: str, known: tuple[str, ...]) -> str:
    value = optional(variable, default)
    if value not in known:
        raise fail(variable, f"{value!r} is not known", f"Set one of: {', '.join(known)}")
    return value


def servers(variable: str, hint: str) -> str:
    """A comma-separated list of host:port, as Kafka clients take it."""
    value = required(variable, hint)
    for one in value.split(","):
        host, _, port = one.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= 65_535:
            raise fail(variable, f"{one.strip()!r} is not host:port", hint)
    return value


def kafka_name(variable: str, default: str) -> str:
    """A topic or a consumer group: what Kafka lets a topic be called."""
    value = optional(variable, default)
    if not _KAFKA_NAME.fullmatch(value):
        raise fail(
            variable, f"{value!r} is no Kafka name", "Set letters, digits, dots, underscores and hyphens, up to 249"
        )
    return value


def origins(variable: str) -> list[str]:
    """A comma-separated list of origins, as https://prism.example.com."""
    found = words(variable)
    for one in found:
        parts = urlsplit(one)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise fail(variable, f"{one!r} is not an origin", "Set scheme and host, as https://prism.example.com")
    return found


def public_url(variable: str) -> str:
    """Where the world reaches the web process, without a slash at the end; "" where it does not."""
    value = optional(variable, "").rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise fail(variable, f"{value!r} is not an address", "Set it as https://prism.example.com")
    return value


def allow_list(variable: str) -> list[str]:
    """Names of variables, or prefixes that end in *, each optionally bound to a host: PRISM_BLIP_*@http.msging.net."""
    found = words(variable)
    for one in found:
        if not _ALLOWED.fullmatch(one):
            raise fail(
                variable, f"{one!r} is not understood", "Set names or prefixes, as PRISM_PROVIDER_*,BOT_TOKEN@host"
            )
    return found


def redis_url(variable: str) -> str:
    """The optional broker of django-q2; its client is no dependency of ours, so it has to be there as well."""
    value = optional(variable, "")
    if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        raise fail(variable, "is not a Redis address", "Set redis://host:6379/0, or leave it unset for PostgreSQL")
    if value and find_spec("redis") is None:
        raise fail(variable, "needs the redis package", "Install it (pip install redis), or leave the variable unset")
    return value


def networks(variable: str, default: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """A comma-separated list of addresses or networks, as 10.0.0.0/8."""
    try:
        return [ipaddress.ip_network(word) for word in words(variable) or default]
    except ValueError as error:
        raise fail(variable, str(error), "Set addresses or networks, as 10.0.0.0/8,127.0.0.1") from error


def json_object(variable: str) -> dict[str, Any]:
    raw = os.environ.get(variable, "").strip()
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise fail(variable, "is not valid JSON", 'Set a JSON object, as {"security.protocol": "SASL_SSL"}') from error
    if not isinstance(value, dict):
        raise fail(variable, "is not a JSON object", 'Set a JSON object, as {"security.protocol": "SASL_SSL"}')
    return value


def json_texts(variable: str) -> dict[str, str]:
    """A JSON object whose values are texts."""
    value = json_object(variable)
    if not all(isinstance(one, str) and one for one in value.values()):
        raise fail(variable, "holds a value that is no text", 'Set a JSON object of texts, as {"topic": "tenant"}')
    return value


def environment_name() -> Environment:
    value = optional("PRISM_ENV", "production")
    for known in get_args(Environment):
        if value == known:
            return known  # type: ignore[no-any-return]  # get_args forgets what the literals are
    raise fail("PRISM_ENV", f"{value!r} is not known", "Set production, development or test")


def database(variable: str, hint: str) -> dict[str, Any]:
    """One PostgreSQL address as Django wants it; any other scheme is refused (architecture, decision 1)."""
    url = required(variable, hint)
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        raise fail(variable, "is not a PostgreSQL address", "Set postgres://user:password@host:5432/database")
    try:
        config: dict[str, Any] = env.db_url_config(url)
        complete = config.get("NAME") and config.get("USER")
    except ValueError as error:
        # The text of the error may repeat the password.
        raise fail(variable, "cannot be read", "Set postgres://user:password@host:5432/database") from error
    if not complete:
        raise fail(variable, "names no user or no database", "Set postgres://user:password@host:5432/database")
    return config


def secret_key(production: bool) -> str:
    value = required("SECRET_KEY", "Set at least 50 random characters")
    if production and (len(value) < 50 or len(set(value)) < 5 or value.startswith("django-insecure-")):
        raise fail("SECRET_KEY", "is too short or not random", "Set at least 50 random characters")
    return value


def fernet_keys() -> list[str]:
    """Newest first; the first encrypts, all decrypt. They are never derived from SECRET_KEY."""
    keys = words("FERNET_KEYS")
    if not keys:
        raise fail("FERNET_KEYS", "is not set", "Set one or more random strings of 32 characters or more, newest first")
    if any(len(key) < 32 for key in keys):
        raise fail("FERNET_KEYS", "holds a key under 32 characters", "Set random strings of 32 characters or more")
    return keys
