"""The body of an e-mail: HTML or not, the text beside HTML, the link to a media file. Pure, for every e-mail vendor.

E-mail vendors take no attachments here: what `media_url` points to is linked below the text, so that nothing is fetched
on the way out and no mailbox gets a file that nobody has looked at.
"""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop as _

# A tag that only HTML has: "2 <b and c> 1" and "<3" are text.
_TAG = re.compile(
    r"<(?:!doctype html|/?(?:html|head|body|p|br|div|table|tr|td|h[1-6]|ul|ol|li|span|strong|em|b|i|u|img|a|center"
    r"|font|style|section|hr|blockquote|pre|small|button)(?: [a-z-]+=[^<>]{1,1000}| ?/)?)>",
    re.IGNORECASE,
)
_HREF = re.compile(r"""\shref\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"']+))""", re.IGNORECASE)
_ALT = re.compile(r"""\salt\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_NAME = re.compile(r"/?[a-z][a-z0-9]*", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s{0,9}>", re.IGNORECASE)

# While a text is put together these stand for breaks, as HTML's own white space means nothing.
_NEW_LINE, _NEXT_LINE, _BLANK_LINE = "\x00", "\x01", "\x02"
_BREAKS_OF: dict[str, str] = {
    "br": _NEW_LINE,
    "li": f"{_NEXT_LINE}- ",
    "/td": " ",
    "/th": " ",
    **{slash + name: _NEXT_LINE for name in ("div", "tr", "pre", "section") for slash in ("", "/")},
    **{
        slash + name: _BLANK_LINE
        for name in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "hr")
        for slash in ("", "/")
    },
}
_UNSEEN = {"head", "style", "script", "title", "template"}
_CONTROL = re.compile(f"[{_NEW_LINE}{_NEXT_LINE}{_BLANK_LINE}]")
_SPACE = re.compile(f"[^\\S{_NEW_LINE}{_NEXT_LINE}{_BLANK_LINE}]+")
_BREAKS = re.compile(f" ?[{_NEW_LINE}{_NEXT_LINE}{_BLANK_LINE}][ {_NEW_LINE}{_NEXT_LINE}{_BLANK_LINE}]*")

HTML: dict[str, Any] = {
    "type": "boolean",
    "title": _("Body is HTML"),
    "description": _("Without it, a body is HTML where it holds an HTML tag. A text to go with it is always made."),
}


class Content(NamedTuple):
    """`html` is None where the message is plain text."""

    text: str
    html: str | None


def content_of(body: str, media_url: str | None = None, *, is_html: bool | None = None) -> Content:
    """Both forms of a body. `is_html`: what the configuration says; None: judged by the body."""
    if not (looks_like_html(body) if is_html is None else is_html):
        return Content(f"{body.rstrip()}\n\n{media_url}\n" if media_url else body, None)
    if media_url:
        body = _with_link(body, media_url)
    return Content(text_of(body), body)


def looks_like_html(body: str) -> bool:
    return _TAG.search(body) is not None


def text_of(markup: str) -> str:
    """What a reader of plain text sees of an HTML body: links with their addresses, images by their descriptions.

    One pass, whatever the markup: bodies hold what contacts' attributes say."""
    pieces = _CONTROL.sub("", markup).split("<")
    seen = [pieces[0]]
    links: list[tuple[str, int]] = []
    until = ""
    for piece in pieces[1:]:
        if piece.startswith("!--") and not until:
            until = "-->"
        if until == "-->":
            _, end, text = piece.partition(until)
            until = until if not end else ""
            seen.append(text)
        elif until:
            if piece[: len(until)].lower() == until:
                until = ""
                seen.append(piece.partition(">")[2])
        elif (found := _NAME.match(piece)) is None:
            seen.append(piece.partition(">")[2] if piece[:1] in ("!", "?") else "<" + piece)
        else:
            name = found[0].lower()
            tag, text = _cut(piece)
            if name in _UNSEEN:
                until = f"/{name}"
            else:
                _note(name, tag, seen, links)
                seen.append(text)
    return _laid_out(html.unescape("".join(seen)))


def _cut(piece: str) -> tuple[str, str]:
    """A tag and what follows it; a ">" between quotation marks does not end it."""
    tag, _end, text = piece.partition(">")
    for mark in ('"', "'"):
        if tag.count(mark) % 2 and mark in text:
            rest, _mark, after = text.partition(mark)
            inner, _end, text = after.partition(">")
            return f"{tag}>{rest}{mark}{inner}", text
    return tag, text


def _note(name: str, tag: str, seen: list[str], links: list[tuple[str, int]]) -> None:
    """What a tag adds to the text."""
    if name == "a":
        found = _HREF.search(tag)
        links.append(((found[1] or found[2] or found[3] or "") if found else "", len(seen)))
    elif name == "/a" and links:
        address, begin = links.pop()
        if address and address[0] != "#" and address not in "".join(seen[begin:]):
            seen.append(f" ({address.removeprefix('mailto:')})")
    elif name == "img" and (found := _ALT.search(tag)):
        seen.append(found[1] or found[2] or "")
    elif name in _BREAKS_OF:
        seen.append(_BREAKS_OF[name])


def _laid_out(text: str) -> str:
    return _BREAKS.sub(_break, _SPACE.sub(" ", text)).strip() + "\n"


def _break(found: re.Match[str]) -> str:
    return "\n\n" if _BLANK_LINE in found[0] or found[0].count(_NEW_LINE) > 1 else "\n"


def _with_link(markup: str, url: str) -> str:
    link = f'<p><a href="{html.escape(url)}">{html.escape(url)}</a></p>'
    end = _BODY_END.search(markup)
    return markup + link if end is None else markup[: end.start()] + link + markup[end.start() :]
