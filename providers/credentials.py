"""Where credentials come from and where they may go. Nothing here ever repeats a value.

A configuration holds references only, in two forms:
  "<name>_env_var": "PRISM_PROVIDER_TOKEN"   an environment variable from the operator's allow-list
  "<name>_secret": "gateway-token"           the name of an encrypted ProviderSecret of the same provider
"authentication.token_env_var" and "authentication.token_secret" both become the credential "authentication.token".

The operator's allow-list holds names, or prefixes that end in "*", each optionally bound to hosts:
  PRISM_PROVIDER_SMS_TOKEN   PRISM_PROVIDER_*   PRISM_BLIP_*@http.msging.net   BOT_TOKEN@api.telegram.org
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from django.utils.translation import gettext

ENV_VAR = "_env_var"
SECRET = "_secret"  # noqa: S105 - the suffix of a reference, not a secret
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
SECRET_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)

# Words that make a key the name of a credential, compared with the words of the key: "apiKey" is api, key.
_TELLING_WORDS = {
    "token",
    "tokens",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "authorization",
}
_TELLING_WORDS |= {"credential", "credentials", "bearer", "cookie", "apikey", "jwt"}
_TELLING_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("auth", "key"), ("signing", "key")}
_TELLING_PAIRS |= {("account", "key"), ("shared", "key"), ("server", "key"), ("connection", "string")}
_PUBLIC = "-----BEGIN PUBLIC KEY-----"
_TELLING_VALUE = re.compile(
    r"\s*(?:(?:bearer|basic)\s+\S{8,}|-----BEGIN (?!PUBLIC KEY-)|eyJ[\w-]{8,}\.[\w-]{8,}\.)", re.IGNORECASE
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HOLE = re.compile(r"\{\{[a-z_]{1,40}(\.\w{1,100})?\}\}", re.ASCII)
_PORTS = {"http": 80, "https": 443}

NEVER_CALLED = {"webhook_url", "list_unsubscribe.url"}
"""Addresses in a configuration that others are told and Prism sends nothing to: no credential goes there."""

Problem = tuple[str, str]
"""A dotted path into the configuration, and what is wrong there, for a person."""


class Secret(msgspec.Struct, frozen=True):
    """A stored credential and the hosts it may be sent to, as `hosts_of` gave them when it was entered."""

    value: str
    hosts: frozenset[str]

    def __repr__(self) -> str:
        return f"Secret(hosts={sorted(self.hosts)})"


class Reference(msgspec.Struct, frozen=True):
    """A place in the configuration that names a credential. `path` ends without the suffix of `kind`."""

    path: str
    kind: str
    name: Any

    @property
    def key_path(self) -> str:
        return self.path + self.kind


def references(configuration: Mapping[str, Any]) -> list[Reference]:
    """Every reference in the configuration, wherever it stands."""
    return [
        Reference(path.removesuffix(kind), kind, value)
        for path, key, value in _entries(configuration)
        for kind in (ENV_VAR, SECRET)
        if key.endswith(kind) and key != kind
    ]


def hosts_of(configuration: Mapping[str, Any]) -> frozenset[str]:
    """Every "host:port" that the configuration sends to, in lower case. A credential is bound to these."""
    urls = {
        _host_of_url(value)
        for path, _, value in _entries(configuration)
        if isinstance(value, str) and "://" in value and path not in NEVER_CALLED
    }
    return frozenset((urls | set(_hosts_with_ports(configuration))) - {""})


def _hosts_with_ports(configuration: Mapping[str, Any]) -> Iterator[str]:
    """Where host and port stand apart, as for SMTP."""
    for part in (configuration, *(value for _, _, value in _entries(configuration) if isinstance(value, Mapping))):
        host, port = part.get("host"), part.get("port")
        if isinstance(host, str):
            yield host.strip().lower().rstrip(".") + (f":{port}" if isinstance(port, int) else "")


def problems(
    configuration: Mapping[str, Any], *, allow_list: Sequence[str], known_secrets: Iterable[str] | None = None
) -> list[Problem]:
    """What is wrong with the credentials of a configuration that is about to be saved.

    `known_secrets` are the names the provider has; None where that is not checked.
    """
    found = [*_plaintext(configuration), *_urls_with_credentials(configuration)]
    hosts = hosts_of(configuration)
    known = None if known_secrets is None else set(known_secrets)
    for reference in references(configuration):
        problem = _problem_of_reference(reference, hosts, allow_list, known)
        if problem is not None:
            found.append((reference.key_path, problem))
    return found


def read(
    configuration: Mapping[str, Any],
    *,
    secrets: Mapping[str, Secret],
    allow_list: Sequence[str],
    environment: Mapping[str, str],
) -> tuple[dict[str, str], str | None]:
    """The credentials by path, and what keeps the provider from being used (None: nothing)."""
    hosts = hosts_of(configuration)
    values: dict[str, str] = {}
    trouble: list[str] = []
    for reference in references(configuration):
        problem = _problem_of_reference(reference, hosts, allow_list, None)
        if problem is None and reference.kind == ENV_VAR:
            value, problem = _read_variable(reference.name, environment)
        elif problem is None:
            value, problem = _read_secret(reference.name, secrets, hosts)
        else:
            value = ""
        if problem is None:
            values[reference.path] = value
        else:
            trouble.append(f"{reference.key_path}: {problem}")
    return values, "; ".join(trouble) or None


def is_allowed(variable: str, hosts: frozenset[str], allow_list: Sequence[str]) -> bool:
    """Whether the operator lets this environment variable be sent to all of these hosts."""
    return any(_entry_allows(entry, variable, hosts) for entry in allow_list)


def _entry_allows(entry: str, variable: str, hosts: frozenset[str]) -> bool:
    pattern, at, bound = entry.partition("@")
    prefix = pattern[:-1] if pattern.endswith("*") else ""
    # A bare "*" would let an author name SECRET_KEY, so it allows nothing.
    if variable != pattern and not (prefix and variable.startswith(prefix)):
        return False
    return not at or all(bound.lower() in (host, host.rpartition(":")[0]) for host in hosts)


def _problem_of_reference(
    reference: Reference, hosts: frozenset[str], allow_list: Sequence[str], known_secrets: set[str] | None
) -> str | None:
    name = reference.name
    if reference.kind == ENV_VAR:
        if not isinstance(name, str) or not VARIABLE_NAME.fullmatch(name):
            return gettext("must be the name of an environment variable")
        if not is_allowed(name, hosts, allow_list):
            return gettext("this variable is not on the operator's list for these hosts (PROVIDER_ENV_ALLOW_LIST)")
        return None
    if not isinstance(name, str) or not SECRET_NAME.fullmatch(name):
        return gettext("must be the name of a stored secret")
    if known_secrets is not None and name not in known_secrets:
        return gettext("this provider has no stored secret of that name")
    return None


def _read_variable(name: str, environment: Mapping[str, str]) -> tuple[str, str | None]:
    value = environment.get(name, "")
    if not value:
        return "", gettext("the environment variable %(name)s is not set") % {"name": name}
    return _usable(value)


def _read_secret(name: str, secrets: Mapping[str, Secret], hosts: frozenset[str]) -> tuple[str, str | None]:
    secret = secrets.get(name)
    if secret is None:
        return "", gettext("there is no stored secret %(name)s, or its key is gone") % {"name": name}
    if not hosts <= secret.hosts:
        new = ", ".join(sorted(hosts - secret.hosts))
        return "", gettext("the stored secret was not entered for %(hosts)s: enter it again") % {"hosts": new}
    return _usable(secret.value)


def _usable(value: str) -> tuple[str, str | None]:
    """A credential goes into a header: what could end the line is refused."""
    value = _on_one_line(value)
    if not value.isascii() or not value.isprintable():
        return "", gettext("the value holds a line break or another character that no header may hold")
    return value, None


def _on_one_line(value: str) -> str:
    """A JSON document, such as the file of a service account, and a public key in PEM: where a line breaks means
    nothing in them, and they go into no header. Everything else stays as it is."""
    begun = value.lstrip()
    if begun.startswith(_PUBLIC):
        return " ".join(value.split())
    if not begun.startswith("{"):
        return value
    try:
        return json.dumps(json.loads(value), separators=(",", ":"))
    except (ValueError, RecursionError):
        return value


def _plaintext(configuration: Mapping[str, Any]) -> Iterator[Problem]:
    message = gettext("a credential must not stand here: name it by %(key)s_env_var or %(key)s_secret")
    for path, key, value in _entries(configuration):
        if key.endswith((ENV_VAR, SECRET)) or isinstance(value, bool | dict | list) or value is None:
            continue
        if isinstance(value, str) and _HOLE.fullmatch(value):
            continue  # filled with a message's value, such as {"token": "{{to}}"} of a push service
        if names_credential(key) or (isinstance(value, str) and _TELLING_VALUE.match(value)):
            yield path, message % {"key": key}


def _urls_with_credentials(configuration: Mapping[str, Any]) -> Iterator[Problem]:
    for path, _key, value in _entries(configuration):
        if isinstance(value, str) and "://" in value and _carries_credentials(value):
            yield path, gettext("an address must not hold credentials")


def _carries_credentials(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a password with a slash in it leaves its first half where the port should be
    except ValueError:
        return "@" in url
    named = (name for part in (parts.query, parts.fragment) for name, _ in parse_qsl(part, keep_blank_values=True))
    return "@" in parts.netloc or any(names_credential(name) or name.lower() in ("sig", "key") for name in named)


def names_credential(key: str) -> bool:
    """Whether a key says that its value is a credential: token, apiKey, x-auth-token, client_secret, …"""
    words = [word.lower() for word in _WORDS.findall(key)]
    return any(word in _TELLING_WORDS for word in words) or any(
        pair in _TELLING_PAIRS for pair in itertools.pairwise(words)
    )


def _host_of_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except ValueError:
        return ""
    return f"{(parts.hostname or '').rstrip('.')}:{port}" if parts.hostname else ""


def _entries(value: Any, path: str = "", key: str = "") -> Iterator[tuple[str, str, Any]]:
    """(dotted path, key, value) of everything in a JSON value; items of a list keep the list's key."""
    if path:
        yield path, key, value
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _entries(inner, f"{path}.{name}" if path else str(name), str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _entries(inner, f"{path}.{index}", key)
