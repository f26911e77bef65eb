"""What a media address leads to, told by its ending: vendors want to know the kind before they fetch it. Pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import msgspec

IMAGE, VIDEO, AUDIO, DOCUMENT = "image", "video", "audio", "document"

# Ending: kind and MIME type. What WhatsApp shows as image, video and audio (Meta's "media" reference [GK]); everything
# else travels as a document, which takes any file.
ENDINGS: dict[str, tuple[str, str]] = {
    "jpg": (IMAGE, "image/jpeg"),
    "jpeg": (IMAGE, "image/jpeg"),
    "png": (IMAGE, "image/png"),
    "mp4": (VIDEO, "video/mp4"),
    "3gp": (VIDEO, "video/3gpp"),
    "mp3": (AUDIO, "audio/mpeg"),
    "aac": (AUDIO, "audio/aac"),
    "amr": (AUDIO, "audio/amr"),
    "m4a": (AUDIO, "audio/mp4"),
    "ogg": (AUDIO, "audio/ogg"),
    "opus": (AUDIO, "audio/ogg"),
    "pdf": (DOCUMENT, "application/pdf"),
    "txt": (DOCUMENT, "text/plain"),
    "csv": (DOCUMENT, "text/csv"),
    "gif": (DOCUMENT, "image/gif"),
    "webp": (DOCUMENT, "image/webp"),
    "doc": (DOCUMENT, "application/msword"),
    "xls": (DOCUMENT, "application/vnd.ms-excel"),
    "ppt": (DOCUMENT, "application/vnd.ms-powerpoint"),
    "docx": (DOCUMENT, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": (DOCUMENT, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pptx": (DOCUMENT, "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
}
UNKNOWN_TYPE = "application/octet-stream"
LONGEST_NAME = 100


class Media(msgspec.Struct, frozen=True):
    """`name`: the file's, for people; "file" where the address has none."""

    kind: str
    mime: str
    name: str

    def with_caption(self) -> Media:
        """As what takes a text along: an audio does not, the same file as a document does."""
        return msgspec.structs.replace(self, kind=DOCUMENT) if self.kind == AUDIO else self


def media_of(url: str) -> Media:
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    name = unquote(path.rpartition("/")[2], errors="replace").strip()
    kind, mime = ENDINGS.get(name.rpartition(".")[2].lower(), (DOCUMENT, UNKNOWN_TYPE))
    return Media(kind, mime, name[-LONGEST_NAME:] or "file")
