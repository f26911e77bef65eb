"""ETags: which version of a row somebody has seen, so that nobody overwrites what another wrote in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from tenants.api.problems import Problem

_encoder = msgspec.json.Encoder(enc_hook=str, order="deterministic")


def etag_of(shown: Mapping[str, Any], volatile: Collection[str] = ()) -> str:
    """A digest of what the API shows. `volatile` fields change by themselves and are no reason to refuse a change."""
    counted = {name: value for name, value in shown.items() if name not in volatile}
    return f'"{blake2b(_encoder.encode(counted), digest_size=12).hexdigest()}"'


def require_match(request: Request, etag: str) -> None:
    """Raises 428 without If-Match, 412 where it names another version. `*` overwrites whatever is there."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem("precondition_required", _("Send the ETag you have read as If-Match."))
    if given.strip() != "*" and etag not in parse_etags(given):
        detail = _("Read it again: it is no longer the version you name.")
        raise Problem("precondition_failed", detail, headers={"ETag": etag})


def is_known(request: Request, etag: str) -> bool:
    """Whether the caller has this version already (If-None-Match)."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in [one.removeprefix("W/") for one in known]
