"""A credential that a vendor repeats survives in no spelling, not even where the answer ends in the middle of it."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.transports.redaction import HEAD, redacted

CANARY = "canary-0f3a9c/77+d1=="
SECRETS = (
    CANARY,
    '/+=&"canary 0f3a9c<e>',
    "AC0f3a9c0f3a9c0f3a9c0f3a9c",
    "a\\b\\\\c\\canary-77",
    "line one\nline two\n77",
)
RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}")


def basic(secret: str) -> str:
    return base64.b64encode(f"user-7:{secret}".encode()).decode()


def escaped(text: str) -> str:
    """As serialisers for web pages write JSON."""
    return "".join(char if char.isascii() and char.isalnum() else f"\\u{ord(char):04X}" for char in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "address": lambda secret: quote(secret, safe=""),
    "path": quote,
    "small hexadecimals": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "address in an address": lambda secret: quote(quote(secret, safe=""), safe=""),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "JSON of PHP": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON for web pages": lambda secret: escaped(secret) if "-" not in secret else json.dumps(secret)[1:-1],
    "XML": html.escape,
    "XML by numbers": lambda secret: re.sub("[^A-Za-z0-9_.-]", lambda char: f"&#{ord(char[0])};", secret),
    "Basic": basic,
    "Basic, one byte on": lambda secret: basic("x" + secret),
    "Basic, two bytes on": lambda secret: basic("xy" + secret),
    "AUTH PLAIN": lambda secret: base64.b64encode(f"\0user\0{secret}".encode()).decode(),
    "AUTH LOGIN": lambda secret: base64.b64encode(secret.encode()).decode(),
    "Basic in an address": lambda secret: quote(basic(secret), safe=""),
    "Basic in JSON of PHP": lambda secret: basic(secret).replace("/", "\\/"),
    "Basic for web pages": lambda secret: escaped(basic(secret)),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(f"user:{secret}".encode()).decode(),
}


def readings(text: str) -> Iterator[str]:
    """Whatever somebody could make of it."""
    unescaped = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
    unescaped = re.sub(r"\\+n", "\n", unescaped)
    for seen in (text, unescaped, unquote(text), unquote(unquote(text)), unquote_plus(text), html.unescape(text)):
        bare = re.sub(r"\\+", lambda some: some[0][: len(some[0]) // 2], seen)
        yield from (seen, bare, seen.replace("\\", ""))
        for run in RUN.findall(seen.replace("\\", "")):
            for begin in range(4):
                whole = run[begin:].translate(str.maketrans("-_", "+/"))
                decoded = base64.b64decode(whole[: len(whole) // 4 * 4])
                yield decoded.decode("utf-8", "replace")


def is_told(shown: bytes, secret: str) -> bool:
    return any(secret[:HEAD] in reading for reading in readings(shown.decode("utf-8", "replace")))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_credential_is_found_in_every_spelling(spelling: str, secret: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    for before, after in ((b"", b""), (b'{"error":"bad token ', b'"}'), (b"a=1&token=", b"&b=2"), (b"<p>", b"</p>")):
        shown = redacted(before + spelled.encode() + after, ["other-credential", secret])
        assert b"[redacted]" in shown
        assert not is_told(shown, secret), shown
        assert shown.startswith(before)
        assert shown.endswith(after)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_the_beginning_of_a_credential_at_the_end_of_a_text_that_was_cut_goes_too(spelling: str, secret: str) -> None:
    whole = b'{"error":"bad token ' + SPELLINGS[spelling](secret).encode()
    for end in range(len(whole)):
        shown = redacted(whole[:end], [secret])
        assert not is_told(shown, secret), (end, shown)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"canary",
        b'{"id":"canary-0"}',
        b"canary-0f and so on",
        b"the end: canary-",
        b'{"to":"5511988887777"}',
        CANARY[1:].encode(),
        basic("another one, of the same user").encode(),
    ],
)
def test_what_is_no_credential_stays(text: bytes) -> None:
    assert redacted(text, [CANARY, ""]) == text


def test_what_is_too_short_to_be_told_from_other_words_stays() -> None:
    assert redacted(b"the cat", ["cat", ""]) == b"the cat"
    assert redacted(b"the cat", []) == b"the cat"


def test_of_two_credentials_that_begin_alike_nothing_is_left() -> None:
    for known in (["token-1234", "token-1234-and-more"], ["token-1234-and-more", "token-1234"]):
        assert redacted(b"<token-1234-and-more> <token-1234>", known) == b"<[redacted]> <[redacted]>"


@given(
    before=st.binary(max_size=40),
    secret=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=HEAD, max_size=40),
    after=st.binary(max_size=40),
    spelling=st.sampled_from(("plain", "address", "form", "JSON", "XML", "AUTH LOGIN")),
)
def test_any_printable_credential_is_found(before: bytes, secret: str, after: bytes, spelling: str) -> None:
    spelled = SPELLINGS[spelling](secret).encode()
    assert spelled not in redacted(before + b" " + spelled + b" " + after, [secret]).replace(b"[redacted]", b"\xff")


def test_a_hostile_text_takes_no_time() -> None:
    secret = "canary-0f3a9c77d1canary-0f3a9c77d1"
    began = time.perf_counter()
    for piece in (b"canary-0", b"Y2FuYXJ5LTBm", b"%63%252525", b"\\\\\\\\", b"AAAAAAAA"):
        redacted(piece * (256 * 1024 // len(piece)) + secret.encode(), [secret])
    assert time.perf_counter() - began < 2
