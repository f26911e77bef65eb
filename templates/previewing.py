"""How a template reads with given values, and how long it is: by the code that sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from templates.rendering import compile_text, placeholders_of, render

# Private-use characters around what has no value, so that rendering leaves it in sight.
_OPEN, _CLOSE = "\ue000", "\ue001"
_HOLE = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_MARKUP = re.compile(r"<(html|body|div|p|table|br|h[1-6]|a)\b", re.IGNORECASE)
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = frozenset("^{}\\[~]|€\f")
_SMS, _EMAIL, _CHAT = "SMS", "EMAIL", ("WHATSAPP", "SMS", "TELEGRAM", "PUSH")
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
        return _joined(self.pieces)


class Preview(msgspec.Struct, frozen=True):
    """`limit` None: neither channel nor provider has one. `html`: the body is shown as a page, not as text."""

    channel: str
    subject: tuple[Piece, ...]
    wordings: tuple[Wording, ...]
    limit: int | None
    html: bool

    @property
    def look(self) -> str:
        return "prism-bubble" if self.channel in _CHAT else "prism-letter"


def preview_texts(
    *,
    subject: str,
    body: str,
    variants: Sequence[str],
    values: Mapping[str, str],
    channel: str,
    limit: int | None = None,
    html: bool = False,
) -> Preview:
    """Never raises: a placeholder without a value is shown where it stands."""
    channel = channel.strip().upper()
    names = placeholders_of(subject, body, *variants)
    shown = {name: values.get(name, _OPEN + "{{" + name + "}}" + _CLOSE) for name in names}
    bound = limit or CHANNEL_LIMITS.get(channel)
    return Preview(
        channel=channel,
        subject=_pieces(subject, shown),
        wordings=tuple(_wording(text, shown, channel, bound) for text in (body, *variants)),
        limit=bound,
        html=channel == _EMAIL and (html or bool(_MARKUP.search(body))),
    )


def sms_parts(text: str) -> int:
    """How many short messages a text takes: 160 characters of the GSM alphabet or 70 others, less when split."""
    if all(character in _GSM or character in _GSM_DOUBLE for character in text):
        return _parts(len(text) + sum(character in _GSM_DOUBLE for character in text), whole=160, split=153)
    return _parts(len(text.encode("utf-16-le", "surrogatepass")) // 2, whole=70, split=67)


def _parts(size: int, *, whole: int, split: int) -> int:
    return 1 if size <= whole else -(-size // split)


def _wording(text: str, shown: Mapping[str, str], channel: str, limit: int | None) -> Wording:
    pieces = _pieces(text, shown)
    filled = _joined(piece for piece in pieces if not piece.missing)
    return Wording(
        pieces=pieces,
        length=len(filled),
        over=limit is not None and len(filled) > limit,
        sms_parts=sms_parts(filled) if channel == _SMS else 0,
    )


def _pieces(text: str, shown: Mapping[str, str]) -> tuple[Piece, ...]:
    parts = _HOLE.split(render(compile_text(text), shown))
    return tuple(Piece(part, missing=bool(index % 2)) for index, part in enumerate(parts) if part)


def _joined(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)
