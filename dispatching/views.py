"""The API's endpoints for dispatches: find, read, cancel and send again; a contact's history; what is scheduled."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import structlog
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from dispatching import operating
from dispatching.direct_views import Sending
from dispatching.finding import ContactFilters, DispatchFilters, HistoryFilters, ScheduledFilters
from dispatching.listing import tax_ids_of
from dispatching.models import Dispatch, ScheduledDispatch
from dispatching.scanning import ScanPages
from dispatching.serializers import DispatchDetailSerializer, DispatchSerializer, ScheduledDispatchSerializer
from tenants.api.authentication import name_of
from tenants.api.problems import Problem
from tenants.api.views import Listed, Shown
from tenants.identity import Capability

LARGE = ("contact_data", "variables", "message_content", "message_subject", "provider_response")

log = structlog.get_logger("prism.dispatching")


class History(Listed):
    """Newest first, by id: its time is in it."""

    model: ClassVar[type[Model]] = Dispatch
    ordering = ("-id",)
    pagination_class = ScanPages
    serializer_class: Any = DispatchSerializer
    filterset_class: type[HistoryFilters] = DispatchFilters

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset().select_related("campaign", "provider")
        return found.defer(*LARGE) if self.action == "list" else found

    def narrowing(self) -> Q:
        filters = self.filters()
        return filters.narrowing() if filters.is_valid() else Q()

    def filters(self) -> HistoryFilters:
        return self.filterset_class(self.request.query_params, Dispatch.objects.none(), request=self.request)

    def scanned(self, _queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of a page that it looks through."""
        return _queryset.select_related(None)


class DispatchViewSet(Sending, History, Shown):
    writes = Capability.OPERATE
    summaries: ClassVar = {
        "list": "Find dispatches",
        "retrieve": "Show a dispatch with its content and tries",
        "cancel": "Cancel a dispatch that waits",
        "replay": "Send a failed or unknown dispatch again",
    }
    descriptions: ClassVar = {
        "list": "Newest first. Without contact, correlation id or beginning it looks 7 days back.",
        "cancel": "What a worker has taken already is left alone: 409.",
        "replay": "An UNKNOWN that may still be on its way, or one that a fallback has followed, is left alone: 409.",
    }

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset()
        return found if self.action == "list" else found.select_related("campaign", "provider", "template")

    def get_serializer_class(self) -> Any:
        return DispatchSerializer if self.action == "list" else DispatchDetailSerializer

    @extend_schema(request=None, responses=DispatchDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        told = _("Only what waits in the queue can be cancelled.")
        return self._operate("dispatches_cancelled", operating.cancel, told)

    @extend_schema(request=None, responses=DispatchDetailSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        told = _("Only what failed, or is unknown for long enough, and was followed by no other, can be sent again.")
        return self._operate("dispatches_replayed", operating.replay, told)

    def _operate(self, name: str, run: Callable[[Sequence[uuid.UUID]], list[uuid.UUID]], left: Any) -> Response:
        row = self.get_object()
        if not run([row.pk]):
            raise Problem("wrong_state", left, more={"state": row.status})
        log.info(name, metadata={"asked": 1, "taken": 1, "by": name_of(self.request), "dispatch_id": str(row.pk)})
        return self.answer(self.get_object())


class ContactDispatchViewSet(History):
    """A contact's dispatches, however far back."""

    filterset_class = ContactFilters
    summaries: ClassVar = {"list": "Everything that was sent to a contact, or decided not to be"}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(contact_tax_id__in=tax_ids_of(self.kwargs.get("tax_id", "")))

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "tax_id",
                {"type": "string", "minLength": 1, "maxLength": 50},
                OpenApiParameter.PATH,
                description="With or without punctuation.",
            )
        ]
    )
    def list(self, _request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(_request, *args, **kwargs)


class ScheduledDispatchViewSet(History):
    """What waits for its moment, or waited."""

    model = ScheduledDispatch
    serializer_class = ScheduledDispatchSerializer
    filterset_class = ScheduledFilters
    summaries: ClassVar = {"list": "List what was scheduled, and what became of it"}

    def get_queryset(self) -> QuerySet[Any]:
        return super(History, self).get_queryset().select_related("campaign").defer("event_payload")

    def narrowing(self) -> Q:
        # What is not scheduled at all is passed over, too: that has no index either.
        return super().narrowing() & Q(scheduled_for__isnull=False)

    def scanned(self, _queryset: QuerySet[Any]) -> QuerySet[Any]:
        filters = self.filters()
        filters.is_valid()
        return self.of_tenant(Dispatch.objects.filter(filters.wide(filters.given)))
