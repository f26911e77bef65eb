"""Bodies of e-mails: what is HTML, the text beside it, the link to a media file."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.transports.emails import Content, content_of, looks_like_html, text_of

PAGE = """<!DOCTYPE html><html><head><title>Oferta</title><style>p > a {color:red}</style></head><body>
<!-- for <b>nobody</b> --><h1>Ol&aacute;, Ana!</h1>
<p>Veja <a href="https://x.example/a?b=1&amp;c=2"><b>a oferta</b></a>
 hoje.<br>At&eacute; j&aacute;</p><ul><li>um</li><li>dois <em>mesmo</em></li></ul>
<table><tr><td>a</td><td>b</td></tr></table><div>x</div><div>y</div><img src="x.png" alt="Logo > 1">
<p>a &lt; b &amp;&amp; c &gt; d&nbsp;fim <a href="mailto:ana@example.com">escreva</a></p></body></html>"""
TEXT = """Olá, Ana!

Veja a oferta (https://x.example/a?b=1&c=2) hoje.
Até já

- um
- dois mesmo

a b

x
y
Logo > 1

a < b && c > d fim escreva (ana@example.com)
"""


def test_html_becomes_the_text_that_a_person_would_read() -> None:
    assert text_of(PAGE) == TEXT


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="https://x.example">https://x.example</a>', "https://x.example\n"),
        ('<a href="#top">up</a>', "up\n"),
        ("<a>nowhere</a></a>", "nowhere\n"),
        ("<A HREF='https://x.example'>X</A>", "X (https://x.example)\n"),
        ("<script>alert('<p>no</p>')</script>yes", "yes\n"),
        ("2 < 3 <3 <-- ok", "2 < 3 <3 <-- ok\n"),
        ("a<br><br/>b<br>c", "a\n\nb\nc\n"),
        ("<p>one</p>\n\n<p>two</p>", "one\n\ntwo\n"),
        ("<![CDATA[x]]>tail<?php y ?>", "tail\n"),
        ("never ended <b", "never ended\n"),
    ],
)
def test_odd_markup_becomes_text_too(markup: str, text: str) -> None:
    assert text_of(markup) == text


@pytest.mark.parametrize("body", ["<p>x</p>", "x<br/>y", "<A href='x'>", "<table border=1>", "<!DOCTYPE html>", "<b>x"])
def test_a_body_with_a_tag_is_html(body: str) -> None:
    assert looks_like_html(body)
    assert content_of(body).html == body


@pytest.mark.parametrize("body", ["", "Oi <3", "2 <b and c> 1", "if a<i and b>c", "Oi <Ana>", "ana@example.com <Ana>"])
def test_a_body_without_a_tag_is_text(body: str) -> None:
    assert content_of(body) == Content(body, None)


def test_the_configuration_outweighs_what_the_body_looks_like() -> None:
    assert content_of("<b>x</b>", is_html=False) == Content("<b>x</b>", None)
    assert content_of("just text", is_html=True) == Content("just text\n", "just text")


def test_a_media_file_is_linked_at_the_end() -> None:
    url = 'https://cdn.example.com/a.pdf?x=1&y="2"'
    assert content_of("Oi\n", url) == Content(f"Oi\n\n{url}\n", None)
    both = content_of("<html><body>Oi</body></html>", url)
    assert both.html is not None
    assert both.html.endswith("&amp;y=&quot;2&quot;</a></p></body></html>")
    assert both.text == f"Oi\n\n{url}\n"
    assert content_of("<b>Oi</b>", "https://x.example/a").html == (
        '<b>Oi</b><p><a href="https://x.example/a">https://x.example/a</a></p>'
    )


@given(st.text(alphabet=st.sampled_from("<>/!-abp rh=\"'e\n\x00\x01&;#9é"), max_size=60))
def test_any_body_becomes_text_without_marks_of_ours(markup: str) -> None:
    assert not set("\x00\x01\x02") & set(text_of(markup))


@pytest.mark.parametrize("piece", ["<a href=", "<!--", "<style>", "<a href='x'>", "<", "<p ", "\n", '<img alt="', "< "])
def test_no_markup_takes_long(piece: str) -> None:
    start = time.process_time()
    content_of(piece * 20_000, is_html=None)
    text_of(piece * 20_000)
    assert time.process_time() - start < 2
