"""The vendors' own clients take the sandbox for the vendor: nobody here wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from exponent_server_sdk import DeviceNotRegisteredError, PushClient, PushMessage, PushServerError
from google.auth import crypt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2 import service_account
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client as TwilioClient

from providers.sandbox.callbacks import CALLBACKS, Report
from providers.sandbox.callbacks.call import DELIVERED
from tests.providers.sandbox.simulator import Simulator
from tests.providers.service_accounts import private_pem, public_pem

TOLD = {
    "twilio": "ACtest:tw/il+io",
    "aws_sns": "AKIDTEST:the/secret+key",
    "expo": "expo-token",
    "fcm": public_pem().decode(),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(TOLD) as simulator:
        yield simulator


class Redirected:
    """Twilio's client asks for its own host; nothing else of the request is changed."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._client = TwilioHttpClient()

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        return self._client.request(method, self._base + urlsplit(url).path, *arguments, **options)


def twilio(simulator: Simulator, token: str = "tw/il+io") -> TwilioClient:
    return TwilioClient("ACtest", token, http_client=Redirected(f"{simulator.url}/twilio"))


def test_twilios_client_sends(simulator: Simulator) -> None:
    message = twilio(simulator).messages.create(to="+5511988887777", from_="+15005550006", body="olá 🙈")
    assert (message.sid, message.status, message.body) == (simulator.taken[-1].message_id, "queued", "olá 🙈")
    assert message.date_created is not None


@pytest.mark.parametrize(
    ("to", "token", "status", "code"),
    [
        ("+551190000404", "tw/il+io", 400, 21211),
        ("+551190000410", "tw/il+io", 400, 21610),
        ("+551190000429", "tw/il+io", 429, 20429),
        ("+5511988887777", "wrong", 401, 20003),
    ],
)
def test_twilios_client_understands_refusals(simulator: Simulator, to: str, token: str, status: int, code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio(simulator, token).messages.create(to=to, from_="+15005550006", body="x")
    assert (refused.value.status, refused.value.code) == (status, code)


def test_twilios_validator_takes_our_callbacks() -> None:
    url = "https://prism.example/webhooks/1/status?dispatch=é"
    report = Report("SM1", DELIVERED, 0, to="+5511988887777", account="ACtest")
    call = CALLBACKS["twilio"]([report], secret="tw/il+io", url=url, now=0)
    form = dict(pair.split("=") for pair in call.body.decode().split("&"))
    form |= {"To": "+5511988887777", "From": "+15005550006"}
    assert RequestValidator("tw/il+io").validate(url, form, call.headers["X-Twilio-Signature"])


def sns(simulator: Simulator, secret: str = "the/secret+key") -> Any:
    return boto3.client(
        "sns",
        region_name="sa-east-1",
        endpoint_url=f"{simulator.url}/aws_sns/",
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_amazons_client_publishes(simulator: Simulator) -> None:
    kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    answer = sns(simulator).publish(PhoneNumber="+5511988887777", Message="olá 🙈 a+b&c", MessageAttributes=kind)
    assert answer["MessageId"] == simulator.taken[-1].message_id
    assert sns(simulator).get_sms_attributes()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("to", "secret", "code"),
    [
        ("+551190000404", "the/secret+key", "InvalidParameter"),
        ("+551190000431", "the/secret+key", "Throttling"),
        ("+5511988887777", "another", "SignatureDoesNotMatch"),
    ],
)
def test_amazons_client_understands_refusals(simulator: Simulator, to: str, secret: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        sns(simulator, secret).publish(PhoneNumber=to, Message="x")
    assert refused.value.response["Error"]["Code"] == code


def expo(simulator: Simulator, token: str = "expo-token") -> PushClient:
    client = PushClient(host=simulator.url, api_url="/expo/--/api/v2")
    client.session.headers["Authorization"] = f"Bearer {token}"
    return client


def test_expos_client_publishes_and_asks_for_receipts(simulator: Simulator) -> None:
    names = ("accept", "report-failed", "invalid")
    pushes = [PushMessage(to=f"ExponentPushToken[sandbox-{name}]", body="olá") for name in names]
    tickets = expo(simulator).publish_multiple(pushes)
    tickets[0].validate_response()
    with pytest.raises(DeviceNotRegisteredError):
        tickets[2].validate_response()
    receipts = expo(simulator).check_receipts_multiple(tickets[:2])
    assert [receipt.is_success() for receipt in receipts] == [True, False]


def test_expos_client_understands_a_whole_refusal(simulator: Simulator) -> None:
    with pytest.raises(PushServerError) as refused:
        expo(simulator, "wrong").publish(PushMessage(to="ExponentPushToken[x]", body="olá"))
    assert refused.value.errors[0]["code"] == "UNAUTHORIZED"


def google(simulator: Simulator, scope: str) -> Any:
    signer: Any = crypt.RSASigner
    account: Any = service_account.Credentials
    address = "push@p.iam.gserviceaccount.com"
    return account(signer.from_string(private_pem()), address, f"{simulator.url}/fcm/token", scopes=[scope])


def test_googles_client_is_given_a_token_that_sends(simulator: Simulator) -> None:
    credentials = google(simulator, "https://www.googleapis.com/auth/firebase.messaging")
    credentials.refresh(GoogleRequest())
    assert credentials.valid
    headers = {"Content-Type": "application/json"}
    credentials.apply(headers)
    body = {"message": {"token": "sandbox-accept"}}
    connection = HTTPConnection(simulator.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/fcm/v1/projects/p/messages:send", json.dumps(body), headers)
    name = json.loads(connection.getresponse().read())["name"]
    connection.close()
    assert name == f"projects/p/messages/{simulator.taken[-1].message_id}"


def test_googles_client_is_given_none_for_another_purpose(simulator: Simulator) -> None:
    with pytest.raises(RefreshError):
        google(simulator, "https://www.googleapis.com/auth/drive").refresh(GoogleRequest())
