"""What a contact would read: a template with a mapping over one contact's attributes, by the code that sends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from campaigns.mappings import compile_mapping, resolve
from templates.rendering import compile_text, placeholders_of, render

# Private-use characters around what has no value, so that rendering leaves it in sight.
_OPEN, _CLOSE = "\ue000", "\ue001"
_HOLE = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = frozenset("^{}\\[~]|€\f")
SMS = "SMS"
# Documented by the vendors of these channels: longer texts are refused.
CHANNEL_LIMITS = {"WHATSAPP": 4096, "TELEGRAM": 4096}


class Piece(msgspec.Struct, frozen=True):
    """A stretch of the message; `missing` is a placeholder that nothing fills."""

    text: str
    missing: bool = False


class Wording(msgspec.Struct, frozen=True):
    """The body or one of its variants. `length` is in characters, holes counted as nothing."""

    pieces: tuple[Piece, ...]
    length: int
    over: bool
    sms_parts: int

    @property
    def plain(self) -> str:
        return "".join(piece.text for piece in self.pieces)


class Preview(msgspec.Struct, frozen=True):
    """`missing`: the attributes that stop the message. `limit` None: neither channel nor provider has one."""

    subject: tuple[Piece, ...]
    wordings: tuple[Wording, ...]
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]
    limit: int | None

    @property
    def body(self) -> Wording:
        return self.wordings[0]


def preview_message(
    *,
    subject: str,
    body: str,
    variants: Sequence[str] = (),
    mapping: Mapping[str, Any],
    attributes: Mapping[str, Any],
    channel: str = "",
    limit: int | None = None,
) -> Preview:
    """Never raises: what is missing is shown where it would stand."""
    names = placeholders_of(subject, body, *variants)
    mapped = compile_mapping(mapping, names)
    values, missing = resolve(mapped, attributes)
    shown = {name: values.get(name, _OPEN + "{{" + name + "}}" + _CLOSE) for name in names}
    bound = limit or CHANNEL_LIMITS.get(channel.upper())
    unmapped = tuple(one.placeholder for one in mapped if one.field == "{{" + one.placeholder + "}}")
    return Preview(
        subject=_pieces(subject, shown),
        wordings=tuple(_wording(text, shown, channel, bound) for text in (body, *variants)),
        missing=tuple(name for name in missing if not name.startswith("{{")),
        unmapped=unmapped,
        limit=bound,
    )


def character_limit(configuration: Mapping[str, Any]) -> int | None:
    """The provider's own limit, as the seed writes it (`features.character_limit`)."""
    features = configuration.get("features")
    for place in (features if isinstance(features, dict) else {}, configuration):
        limit = place.get("character_limit")
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
            return limit
    return None


def sms_parts(text: str) -> int:
    """How many short messages a text takes: 160 characters of the GSM alphabet or 70 others, less when split."""
    if all(character in _GSM or character in _GSM_DOUBLE for character in text):
        size = len(text) + sum(character in _GSM_DOUBLE for character in text)
        return 1 if size <= 160 else -(-size // 153)
    size = len(text.encode("utf-16-le")) // 2
    return 1 if size <= 70 else -(-size // 67)


def _wording(text: str, shown: Mapping[str, str], channel: str, limit: int | None) -> Wording:
    pieces = _pieces(text, shown)
    plain = "".join(piece.text for piece in pieces if not piece.missing)
    return Wording(
        pieces=pieces,
        length=len(plain),
        over=limit is not None and len(plain) > limit,
        sms_parts=sms_parts(plain) if channel.upper() == SMS else 0,
    )


def _pieces(text: str, shown: Mapping[str, str]) -> tuple[Piece, ...]:
    parts = _HOLE.split(render(compile_text(text), shown))
    return tuple(Piece(part, missing=bool(index % 2)) for index, part in enumerate(parts) if part)
