"""The secret that a vendor shows with every call, where we may choose it: made of SECRET_KEY and the provider's id.

It begins with the id, so that a call at an address without one (seed 000: /webhooks/telegram) names its provider by the
secret alone, and nobody has to try all of them. Nothing is stored; with another SECRET_KEY the vendors have to be told
again where to report (“Connect webhook”). The letters are those that Telegram allows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid

_TOKEN = re.compile(r"([0-9a-f]{32})_[A-Za-z0-9_-]{43}")


def webhook_token(provider_id: str, key: str) -> str:
    """76 characters; `provider_id` as UUID text. "" without a key."""
    if not key:
        return ""
    digest = hmac.digest(key.encode(), f"prism.webhook:{provider_id}".encode(), hashlib.sha256)
    return f"{uuid.UUID(provider_id).hex}_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def provider_of(token: str) -> str | None:
    """The id that a token names, as UUID text. It proves nothing: whoever holds the provider compares the whole."""
    found = _TOKEN.fullmatch(token)
    return str(uuid.UUID(found[1])) if found else None
