"""What the conformance kit needs to know of declarative HTTP."""

from __future__ import annotations

from typing import Any

from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import http as callbacks
from providers.settings import ProviderSettings
from providers.transports import http

PROVIDER_TYPE = "SMS"
EXPECTED: dict[str, Any] = {}


def simulated(url: str) -> dict[str, Any]:
    return {
        **http.transport.example,
        "url": f"{url}/http/v2/channels/sms/messages",
        "authentication": {"type": "header", "header_name": "X-API-TOKEN", "token_env_var": "PRISM_HTTP"},
        "answer": {"message_id": "result.id", "error_code": "errors.0.code", "error_text": "errors.0.detail"},
        "reports": {
            **http.transport.example["reports"],
            "authentication": {"type": "hmac", "header_name": "X-Signature", "token_env_var": "PRISM_HTTP_REPORTS"},
            "error_code": "messageStatus.reason",
        },
        "error_codes": {
            "rejected": ["CONTENT_REJECTED", "FILTERED"],
            "recipient_invalid": ["RECIPIENT_INVALID"],
            "opted_out": ["OPTED_OUT"],
        },
    }


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    secret = settings.credentials["reports.authentication.token"]
    return callbacks.make([report], secret=secret, url=settings.webhook_url, now=now)
