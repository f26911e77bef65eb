"""The vendors that the sandbox can play, and which of them a request is for: by the first part of its path, by the name
of the server that it was sent to, or by a path that only one vendor has. Everything else is the gateway's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.sandbox.dialects import (
    aws_sns,
    blip,
    evolution,
    expo,
    fcm,
    gateway,
    http,
    meta,
    sendgrid,
    telegram,
    twilio,
)
from providers.sandbox.dialects.dialect import Dialect
from providers.sandbox.messages import Request

DIALECTS: dict[str, Dialect] = {
    each.name: each
    for each in (
        aws_sns.dialect,
        blip.dialect,
        evolution.dialect,
        expo.dialect,
        fcm.dialect,
        gateway.dialect,
        http.dialect,
        meta.dialect,
        sendgrid.dialect,
        telegram.dialect,
        twilio.dialect,
    )
}


class Router:
    def __init__(self, dialects: Mapping[str, Dialect]) -> None:
        self._mounted = dict(dialects)
        self._hosts = {host: dialect for dialect in dialects.values() for host in dialect.hosts}
        self._hosts |= {f"{name}.localhost": dialect for name, dialect in dialects.items()}
        known = (f"(?P<{name}>{dialect.paths})" for name, dialect in dialects.items() if dialect.paths)
        self._paths = re.compile("|".join(known))

    def route(self, request: Request) -> tuple[Dialect, str]:
        """The dialect of a request, and its path as that vendor knows it."""
        path = request.path
        first, slash, rest = path[1:].partition("/")
        mounted = self._mounted.get(first)
        if mounted is not None:
            return mounted, slash + rest
        host = self._hosts.get(request.field("host").partition(":")[0].lower())
        if host is not None:
            return host, path
        known = self._paths.match(path)
        return self._mounted[str(known.lastgroup) if known else "gateway"], path
