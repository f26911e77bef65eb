"""The history of changes for programs: GET /api/changes."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from prism.history.pages import of_organisation
from prism.history.recording import RECORDED
from prism.models import Change, Deed
from tenants.api.fields import Choice, Moment, Text
from tenants.api.filtering import Filters
from tenants.api.views import Listed
from tenants.identity import Capability

KINDS = [(one.kind, one.kind) for one in RECORDED]


class ChangeSerializer(serializers.ModelSerializer[Change]):
    at = Moment()
    kind = Choice(choices=KINDS)
    deed = Choice(choices=Deed.choices)
    object_id = Text(help_text="Of the row that changed.")
    username = Text(source="user.username", default=None, allow_null=True, help_text="Null: a program or a process.")
    origin = serializers.DictField(source="context", help_text="Where from: path, request, key, program.")
    changes = serializers.DictField(allow_null=True, help_text="Field → what it was and what it is; of changes only.")
    row = serializers.DictField(help_text="As it was left, or as it was before it was deleted. Without secrets.")

    class Meta:
        model = Change
        fields = ("id", "at", "kind", "deed", "object_id", "username", "origin", "changes", "row")


class ChangeFilters(Filters):
    kind = django_filters.ChoiceFilter(choices=KINDS)
    deed = django_filters.ChoiceFilter(choices=Deed.choices)
    username = django_filters.CharFilter(field_name="user__username")
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Change
        fields = ("object_id",)


class ChangeViewSet(Listed):
    model = Change
    serializer_class = ChangeSerializer
    filterset_class = ChangeFilters
    ordering = ("-at", "-id")
    reads = Capability.ADMINISTER
    descriptions: ClassVar = {
        "list": "Who changed what, when and from where: every row of configuration, newest first."
    }

    def of_tenant(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return of_organisation(queryset, self.identity.id).select_related("user")
