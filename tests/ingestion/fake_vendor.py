"""A vendor that calls us, as small as one can be: its header shows the token, a GET is greeted by the same word."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

import msgspec

from providers.registry import TRANSPORTS
from providers.reporting import Call, Meaning, VendorReport
from providers.settings import ProviderSettings
from providers.transports.console import Console

SECRET = "s3cr3t-of-the-vendor"


class Talkative(Console):
    """Sends like the console, which nobody calls here. Body: [{"id", "word", "dispatch"?}, …]."""

    vendor = "talkative"
    heard_status = 204
    words = {"sent": Meaning.SENT, "delivered": Meaning.DELIVERED, "read": Meaning.READ, "failed": Meaning.FAILED}

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        given = call.headers.get("x-secret", "")
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), settings.webhook_token.encode())

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:
        return call.query.get("challenge") if call.query.get("token") == settings.webhook_token else None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return body.replace(SECRET.encode(), b"[redacted]")

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        try:
            items: list[dict[str, Any]] = msgspec.json.decode(call.body, type=list[dict[str, Any]])
        except msgspec.MsgspecError as error:
            raise ValueError(f"no list of reports: {error}") from error
        return list(self._reports(items))

    def _reports(self, items: list[dict[str, Any]]) -> Iterator[VendorReport]:
        for item in items:
            if item["word"] == "bang":
                raise RuntimeError("a defect of the transport")
            if item["word"] in self.words:
                yield VendorReport(
                    kind=item["word"],
                    meaning=self.words[item["word"]],
                    message_id=item.get("id", ""),
                    dispatch_id=item.get("dispatch", ""),
                    payload=msgspec.json.encode(item),
                )


def install() -> None:
    TRANSPORTS["talkative"] = Talkative()
