"""Addresses and tax ids as lists show them: enough to recognise a person one knows, too little to reach one."""

from __future__ import annotations

import re

DOT = "•"


def masked_destination(text: str) -> str:
    """+55 119••••9999, j•••@example.com, Expo…xyz1; "" stays."""
    if "@" in text and not text.startswith("@"):
        name, _, host = text.rpartition("@")
        return f"{name[:1]}{DOT * 3}@{host}"
    if re.fullmatch(r"\+?[0-9]{8,15}", text, re.ASCII):
        return f"{text[: len(text) - 8]}{DOT * 4}{text[-4:]}"
    return f"{text[:4]}…{text[-4:]}" if len(text) > 12 else text


def masked_tax_id(text: str) -> str:
    """123.•••.•••-09 of a CPF, 12.•••.•••/••••-90 of a CNPJ; of anything else the first three and last two."""
    bare = re.sub(r"[^0-9A-Za-z]", "", text)
    if len(bare) == 11:
        return f"{bare[:3]}.•••.•••-{bare[9:]}"
    if len(bare) == 14:
        return f"{bare[:2]}.•••.•••/••••-{bare[12:]}"
    return f"{bare[:3]}{DOT * 3}{bare[-2:]}" if len(bare) > 5 else bare
