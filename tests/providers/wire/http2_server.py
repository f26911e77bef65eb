"""What the HTTP/2 server of the tests says: what it saw. An ASGI application for granian."""

from __future__ import annotations

import asyncio
import json
from typing import Any


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await asyncio.sleep({"/slow": 0.2, "/silent": 30.0}.get(scope["path"], 0.0))
    client = ":".join(map(str, scope["client"]))
    seen = {"version": scope["http_version"], "client": client, "method": scope["method"], "body": body.decode()}
    headers = [(b"content-type", b"application/json"), (b"x-message-id", b"m-1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
