"""Programs that call the API: a key of a tenant, and requests as they go over the wire."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from tenants.keys import SCOPES, mint_key


class Caller:
    """One key. Bodies are JSON; with `raw` they are whatever is given."""

    def __init__(self, key: str, language: str = "en") -> None:
        self.key = key
        self._client = Client(
            raise_request_exception=False, headers={"authorization": f"Bearer {key}", "accept-language": language}
        )

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(f"/api/{path}", headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, headers=headers)

    def put(self, path: str, body: Any, etag: str | None = None) -> Any:
        return self.send("PUT", path, body, headers=_match(etag))

    def patch(self, path: str, body: Any, etag: str | None = None) -> Any:
        return self.send("PATCH", path, body, headers=_match(etag))

    def delete(self, path: str, etag: str | None = None) -> Any:
        return self.send("DELETE", path, None, headers=_match(etag))

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Any:
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self._client.generic(method, f"/api/{path}", content, content_type, headers=headers)


def key_of(tenant_id: int, *scopes: str, name: str = "crm") -> str:
    _row, key = mint_key(tenant_id=tenant_id, name=name, scopes=list(scopes or SCOPES))
    return key


def codes_of(response: HttpResponseBase) -> dict[str, str]:
    """Pointer (or name of a parameter) → code, of a problem's errors."""
    errors = response.json()["errors"]  # type: ignore[attr-defined]  # the test client's own
    return {error["pointer"] or error["field"]: error["code"] for error in errors}


def _match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}
