"""The API's endpoints for dead letters: find, read, ask for a replay, set aside."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import operating, reasons
from ingestion.models import RejectedTrigger
from ingestion.serializers import RejectedTriggerDetailSerializer, RejectedTriggerSerializer, ReplaySerializer
from tenants.api.authentication import name_of
from tenants.api.filtering import Filters
from tenants.api.problems import Problem
from tenants.api.views import Listed, Shown
from tenants.identity import Capability


class RejectedTriggerFilters(Filters):
    class Meta:
        model = RejectedTrigger
        fields: ClassVar = ("state", "code", "journey_name", "correlation_id", "topic")


class RejectedTriggerViewSet(Listed, Shown):
    model = RejectedTrigger
    writes = Capability.OPERATE
    filterset_class = RejectedTriggerFilters
    summaries: ClassVar = {
        "list": "List rejected triggers",
        "retrieve": "Show a rejected trigger with its event",
        "replay": "Ask for a replay of a rejected trigger",
        "discard": "Set a rejected trigger aside",
    }
    descriptions: ClassVar = {
        "list": "Newest first. Those whose organisation is not known are shown to whoever may operate.",
        "replay": "A worker decides it again within seconds; it is replayed then, or open again with its new reason.",
    }

    def of_tenant(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        mine = Q(tenant_id=self.identity.id)
        if self.identity.can(Capability.OPERATE):
            # Whose these are nobody knows, so they are not for everyone.
            mine |= Q(tenant_id=None)
        return queryset.filter(mine)

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset()
        return found.defer("raw", "headers") if self.action == "list" else found

    def get_serializer_class(self) -> Any:
        return RejectedTriggerSerializer if self.action == "list" else RejectedTriggerDetailSerializer

    @extend_schema(request=ReplaySerializer, responses=RejectedTriggerDetailSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        serializer = ReplaySerializer(data=request.data or {})
        serializer.is_valid(raise_exception=True)
        row = self.get_object()
        skipped = row.code == reasons.SKIPPED_IN_RECOVERY
        if skipped and not serializer.validated_data["even_if_sent"]:
            told = _("A recovery passed it over, and it may have been sent: ask again with even_if_sent.")
            raise Problem("wrong_state", told, more={"state": row.state})
        if not operating.request_replay(self._row(row), by=name_of(request), skipped=skipped):
            told = _("Only what is open and was kept whole can be replayed.")
            raise Problem("wrong_state", told, more={"state": row.state})
        return self.answer(self.get_object())

    @extend_schema(request=None, responses=RejectedTriggerDetailSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        row = self.get_object()
        if not operating.discard(self._row(row), by=name_of(request)):
            raise Problem("wrong_state", _("It was replayed or set aside already."), more={"state": row.state})
        return self.answer(self.get_object())

    def _row(self, row: RejectedTrigger) -> QuerySet[RejectedTrigger]:
        return RejectedTrigger.objects.filter(pk=row.pk)
