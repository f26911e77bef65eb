"""Media addresses: their kind by their ending."""

from __future__ import annotations

import pytest

from providers.transports.media import media_of


@pytest.mark.parametrize(
    ("url", "kind", "mime", "name"),
    [
        ("https://cdn.example.com/a/offer.JPG?x=1#y", "image", "image/jpeg", "offer.JPG"),
        ("https://cdn.example.com/offer.png", "image", "image/png", "offer.png"),
        ("https://cdn.example.com/tour.mp4", "video", "video/mp4", "tour.mp4"),
        ("https://cdn.example.com/hello.ogg", "audio", "audio/ogg", "hello.ogg"),
        ("https://cdn.example.com/O%20que%20%C3%A9.pdf", "document", "application/pdf", "O que é.pdf"),
        ("https://cdn.example.com/sticker.webp", "document", "image/webp", "sticker.webp"),
        ("https://cdn.example.com/offer", "document", "application/octet-stream", "offer"),
        ("https://cdn.example.com/", "document", "application/octet-stream", "file"),
        ("https://cdn.example.com", "document", "application/octet-stream", "file"),
        ("http://[bad", "document", "application/octet-stream", "file"),
        ("", "document", "application/octet-stream", "file"),
    ],
)
def test_the_kind_of_a_media_address_is_told_by_its_ending(url: str, kind: str, mime: str, name: str) -> None:
    media = media_of(url)
    assert (media.kind, media.mime, media.name) == (kind, mime, name)


def test_a_sound_that_has_a_text_beside_it_travels_as_a_document() -> None:
    assert media_of("https://cdn.example.com/hello.mp3").with_caption().kind == "document"
    assert media_of("https://cdn.example.com/hello.jpg").with_caption().kind == "image"
