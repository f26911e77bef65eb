"""The address gate: does the contact have what this channel sends to? Full normalisation is the audiences room's."""

from __future__ import annotations

import re
from typing import Any

from dispatching import reasons

_PHONE_NOISE = str.maketrans("", "", " -().\t")
_PHONE = re.compile(r"\+?[0-9]{8,15}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,255}\.[^@\s<>\"]{2,63}")
MAX_LENGTH = 500


def destination_of(attributes: dict[str, Any], attribute: str) -> tuple[str, str]:
    """(destination, "") or ("", reason code). Numbers typed as numbers are taken as text."""
    value = attributes.get(attribute)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (text := value.strip()):
        return "", reasons.NO_ADDRESS
    if attribute == "phone_number":
        text = text.translate(_PHONE_NOISE)
        return (text, "") if _PHONE.fullmatch(text) else ("", reasons.INVALID_ADDRESS)
    if attribute == "email":
        return (text, "") if _EMAIL.fullmatch(text) else ("", reasons.INVALID_ADDRESS)
    return (text, "") if len(text) <= MAX_LENGTH and text.isprintable() else ("", reasons.INVALID_ADDRESS)
