"""From a message to one signed request to SNS. On the hot path: dictionary reads and one form encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext

from providers.messages import Message, Signing, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, health, phones
from providers.transports.agent import USER_AGENT
from providers.transports.aws_sns.configuring import LONGEST_TEXT

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

_VERSION = ("Version", "2010-03-31")
_HEADERS = ("Content-Type: application/x-www-form-urlencoded; charset=utf-8", USER_AGENT)
# Key of the configuration, SNS's attribute, its type; in the order in which they are sent.
ATTRIBUTES = (
    ("sms_type", "AWS.SNS.SMS.SMSType", "String"),
    ("sender_id", "AWS.SNS.SMS.SenderID", "String"),
    ("max_price", "AWS.SNS.SMS.MaxPrice", "Number"),
    ("origination_number", "AWS.MM.SMS.OriginationNumber", "String"),
)


def build(settings: ProviderSettings, message: Message) -> WireRequest:
    """Raises Unsendable."""
    fields = [
        ("Action", "Publish"),
        _VERSION,
        ("PhoneNumber", f"+{phones.recipient_of(message)}"),
        ("Message", _text(message)),
        *_attributes(settings.configuration),
    ]
    return _request(settings, fields, settings.timeout_ms, settings.connect_timeout_ms)


def health_request(settings: ProviderSettings) -> WireRequest:
    """Asks for the account's limit of spending, which reaches nobody."""
    fields = [("Action", "GetSMSAttributes"), _VERSION, ("attributes.member.1", "MonthlySpendLimit")]
    return _request(
        settings,
        fields,
        min(settings.timeout_ms, health.LONGEST_WAIT_MS),
        min(settings.connect_timeout_ms, health.LONGEST_CONNECT_MS),
    )


def address_of(configuration: dict[str, Any]) -> str:
    """China has a partition of its own."""
    region: str = configuration["region"]
    own = f"https://sns.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    address: str = configuration.get("api_url", own)
    return address.rstrip("/") + "/"


def _request(
    settings: ProviderSettings, fields: list[tuple[str, str]], timeout_ms: int, connect_timeout_ms: int
) -> WireRequest:
    return WireRequest(
        method="POST",
        url=address_of(settings.configuration),
        headers=_HEADERS,
        body=urlencode(fields, quote_via=quote, errors="replace").encode("ascii"),
        timeout_ms=timeout_ms,
        connect_timeout_ms=connect_timeout_ms,
        signing=Signing(
            region=settings.configuration["region"],
            service="sns",
            access_key_id=settings.credentials["access_key_id"],
            secret_access_key=settings.credentials["secret_access_key"],
        ),
    )


def _text(message: Message) -> str:
    """An SMS carries no file: a link to it stands below the text."""
    text = f"{message.body.rstrip()}\n{message.media_url}" if message.media_url else message.body
    if not text.strip():
        raise Unsendable(Kind.REJECTED, "NO_CONTENT", gettext("An SMS needs a text."))
    if len(text) > LONGEST_TEXT:
        told = gettext("The text has %(length)s characters; at most %(limit)s are sent.")
        raise Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told % {"length": len(text), "limit": LONGEST_TEXT})
    return text


def _attributes(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    given = [each for each in ATTRIBUTES if each[0] in configuration]
    for number, (key, name, kind) in enumerate(given, 1):
        entry = f"MessageAttributes.entry.{number}"
        fields += [
            (f"{entry}.Name", name),
            (f"{entry}.Value.DataType", kind),
            (f"{entry}.Value.StringValue", configuration[key]),
        ]
    return fields
