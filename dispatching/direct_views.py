"""POST /api/dispatches and /api/dispatches/batch: read, make one call, translate the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from dispatching import reasons
from dispatching.direct import send_messages
from dispatching.direct_serializers import (
    AcceptedSerializer,
    BatchResultSerializer,
    BatchSerializer,
    MessageSerializer,
    wanted_of,
)
from dispatching.gates import Refusal
from dispatching.idempotency import Done, InProgressError, OtherBodyError, carry_out
from dispatching.statuses import LaneClass
from dispatching.wanted import Accepted, Answer, Sender, Wanted
from tenants.api.explaining import problem_of
from tenants.api.problems import FieldError, Path, Problem
from tenants.identity import Identity

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_HEADERS = [
    OpenApiParameter(
        KEY,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
        OpenApiParameter.HEADER,
        description="Yours, once per piece of work: the same request again gets the first one's answer for a day.",
    ),
    OpenApiParameter(
        REPLAYED,
        {"type": "string", "const": "true"},
        OpenApiParameter.HEADER,
        response=True,
        description="The answer is that of the first request with this key; nothing was done now.",
    ),
]
_MESSAGE = {
    "provider_type": "WHATSAPP",
    "template_code": "tpl_bf_offer",
    "variables": {"name": "João", "creditvalue": "R$ 50.000,00", "credittax": "1.99% a.m."},
    "to": "+5511999999999",
    "contact_tax_id": "12345678000190",
    "correlation_id": "order-4711",
}
_DISPATCH = "01940000-0000-7000-8000-000000000000"
_ACCEPTED = {
    "id": _DISPATCH,
    "correlation_id": "order-4711",
    "duplicate": False,
    "url": f"/api/dispatches/{_DISPATCH}",
}
_REFUSED = {
    "in": "body",
    "pointer": "#/messages/1/to",
    "field": "messages.1.to",
    "code": "INVALID_ADDRESS",
    "detail": "The contact's address for this channel is not a valid one. (phone_number)",
}
_RESULTS = {
    "accepted": 1,
    "duplicates": 0,
    "refused": 1,
    "results": [
        {
            "index": 0,
            "result": "accepted",
            "id": _DISPATCH,
            "correlation_id": "order-4711",
            "url": f"/api/dispatches/{_DISPATCH}",
            "errors": [],
        },
        {"index": 1, "result": "refused", "id": None, "correlation_id": None, "url": None, "errors": [_REFUSED]},
    ],
}


class Sending:
    """Mixed into the view set of dispatches."""

    identity: Identity

    @extend_schema(
        summary="Send one message",
        parameters=_HEADERS,
        request=MessageSerializer,
        responses={202: AcceptedSerializer, 200: AcceptedSerializer},
        examples=[
            OpenApiExample("message", _MESSAGE, request_only=True),
            OpenApiExample("accepted", _ACCEPTED, response_only=True),
        ],
    )
    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        serializer = MessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.wanted()

        def work() -> Done:
            (answer,) = self._send([wanted], LaneClass.TRIGGER)
            if isinstance(answer, Refusal):
                raise _problem(answer)
            code = status.HTTP_200_OK if answer.duplicate else status.HTTP_202_ACCEPTED
            return Done(code, {**_accepted(answer), "duplicate": answer.duplicate})

        done = self._once("send", request, work)
        return _response(done, {"Location": done.body["url"]})

    @extend_schema(
        summary="Send up to 1,000 messages",
        parameters=_HEADERS,
        request=BatchSerializer,
        responses={207: BatchResultSerializer},
        examples=[
            OpenApiExample("messages", {"messages": [_MESSAGE]}, request_only=True),
            OpenApiExample("results", _RESULTS, response_only=True, status_codes=["207"]),
        ],
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        serializer = BatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return _response(
            self._once("send_batch", request, lambda: self._batch(serializer.validated_data["messages"])), {}
        )

    def _batch(self, messages: Sequence[Any]) -> Done:
        reader = MessageSerializer()
        wrong: dict[int, list[FieldError]] = {}
        read: list[tuple[int, Wanted]] = []
        for index, message in enumerate(messages):
            try:
                read.append((index, wanted_of(reader.run_validation(message))))
            except Exception as error:
                problem = problem_of(error, renamed={})
                if problem is None:
                    raise
                wrong[index] = list(problem.errors)
        answers = self._send([wanted for _index, wanted in read], LaneClass.BULK)
        found: dict[int, Answer] = {index: answer for (index, _w), answer in zip(read, answers, strict=True)}
        results = [_result(index, found.get(index), wrong.get(index, [])) for index in range(len(messages))]
        counts = [result["result"] for result in results]
        body: dict[str, Any] = {
            "accepted": counts.count("accepted"),
            "duplicates": counts.count("duplicate"),
            "refused": counts.count("refused"),
            "results": results,
        }
        return Done(status.HTTP_207_MULTI_STATUS, body, lasting=body["accepted"] > 0)

    def _send(self, messages: Sequence[Wanted], lane: LaneClass) -> list[Answer]:
        who = self.identity
        sender = Sender(tenant_id=who.id, zone=ZoneInfo(who.timezone), locale=who.locale)
        return send_messages(messages, sender, now=timezone.now(), lane=lane)

    def _once(self, operation: str, request: Request, work: Callable[[], Done]) -> Done:
        key = request.headers.get(KEY)
        if key is None:
            return work()
        if not _KEY.fullmatch(key):
            told = _("1 to 255 visible ASCII characters, without spaces.")
            raise Problem("invalid_parameters", errors=[FieldError((KEY,), "invalid", told, "header")])
        try:
            return carry_out(tenant_id=self.identity.id, operation=operation, key=key, body=request.data, work=work)
        except InProgressError:
            raise Problem("idempotency_in_progress", headers={"Retry-After": "1"}) from None
        except OtherBodyError:
            raise Problem("idempotency_key_reused") from None


def _response(done: Done, headers: dict[str, str]) -> Response:
    return Response(done.body, done.status, headers={**headers, **({REPLAYED: "true"} if done.repeated else {})})


def _accepted(answer: Accepted) -> dict[str, Any]:
    identifier = str(answer.dispatch_id)
    return {"id": identifier, "correlation_id": answer.correlation_id, "url": f"/api/dispatches/{identifier}"}


def _problem(refusal: Refusal) -> Problem:
    known = refusal.code == reasons.DUPLICATE_OTHER_PAYLOAD
    return Problem("duplicate_correlation_id" if known else "refused", refusal.message, errors=[_error(refusal, ())])


def _error(refusal: Refusal, prefix: Path) -> FieldError:
    steps = (step.replace("~1", "/").replace("~0", "~") for step in refusal.path.split("/")[1:])
    return FieldError((*prefix, *steps), refusal.code, refusal.message)


def _result(index: int, answer: Answer | None, wrong: Sequence[FieldError]) -> dict[str, Any]:
    nobody = {"id": None, "correlation_id": None, "url": None}
    if isinstance(answer, Accepted):
        told = "duplicate" if answer.duplicate else "accepted"
        return {"index": index, "result": told, **_accepted(answer), "errors": []}
    place: Path = ("messages", index)
    errors = [FieldError((*place, *one.path), one.code, one.detail) for one in wrong]
    if answer is not None:
        errors = [_error(answer, place)]
    return {"index": index, "result": "refused", **nobody, "errors": [error.shown() for error in errors]}
