"""Pages about the installation itself: the journal of what people did, periodic jobs, and django-q's tables."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from prism.history.pages import ChangeAdmin
from prism.models import JobState
from tenants.identity import Capability, may
from tenants.labels import labelled
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin
from tenants.signin.lockout_pages import FailedSignInAdmin

__all__ = ["ChangeAdmin", "FailedSignInAdmin"]

DEEDS = {ADDITION: _("Added"), CHANGE: _("Changed"), DELETION: _("Deleted")}


class LookAdmin(ReadOnlyAdmin):
    """Long lists, newest first, counted no further than people turn pages."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER


@admin.register(LogEntry)
class JournalAdmin(LookAdmin):
    """Who did what on these pages. Rows are the own organisation's by row-level security: the model has no tenant."""

    list_display = ("action_time", "user", "what", "content_type", "object_link", "message")
    list_select_related = ("user", "content_type")
    list_filter = (("user", admin.RelatedOnlyFieldListFilter), "action_time")
    search_fields = ("object_repr",)
    ordering = ("-pk",)
    fields = ("action_time", "user", "what", "content_type", "object_link", "message")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.ADMINISTER)

    @labelled(_("what"), {ADDITION: "success", CHANGE: "info", DELETION: "danger"})
    def what(self, entry: LogEntry) -> tuple[int, Any]:
        return entry.action_flag, DEEDS.get(entry.action_flag, "—")

    @admin.display(description=_("object"))
    def object_link(self, entry: LogEntry) -> str:
        url = None if entry.action_flag == DELETION or entry.content_type is None else entry.get_admin_url()
        return format_html('<a href="{}">{}</a>', url, entry.object_repr) if url else entry.object_repr

    @admin.display(description=_("details"))
    def message(self, entry: LogEntry) -> str:
        return entry.get_change_message()


class InstallationAdmin(LookAdmin):
    """For superusers: it is about processes, which belong to no organisation."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and bool(request.user.is_superuser)


@admin.register(JobState)
class JobStateAdmin(InstallationAdmin):
    list_display = ("name", "condition", "succeeded_at", "started_at", "took", "attempts", "error")
    ordering = ("name",)
    fields = (
        "name",
        "condition",
        "started_at",
        "finished_at",
        "succeeded_at",
        "took",
        "attempts",
        "held_until",
        "error",
    )
    readonly_fields = ("condition", "took")

    @labelled(_("condition"), {"well": "success", "running": "info", "failed": "danger", "held": "warning"})
    def condition(self, job: JobState) -> tuple[str, Any]:
        if job.held_until and job.held_until > timezone.now():
            return "held", _("Held back")
        if job.attempts:
            return "running", _("Running")
        return ("failed", _("Failed")) if job.error else ("well", _("Well"))

    @admin.display(description=_("took"))
    def took(self, job: JobState) -> str:
        return "—" if job.seconds is None else f"{job.seconds:.1f} s"


class ScheduleAdmin(InstallationAdmin):
    list_display = ("name", "schedule_type", "cron", "next_run", "func")
    ordering = ("next_run",)


class TaskAdmin(InstallationAdmin):
    list_display = ("name", "func", "started", "stopped", "attempt_count")
    ordering = ("-stopped",)
    fields = ("id", "name", "func", "group", "started", "stopped", "attempt_count")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Pickles, which a look does not open.
        return super().get_queryset(request).defer("args", "kwargs", "result")


class QueueAdmin(InstallationAdmin):
    list_display = ("id", "key", "lock")
    ordering = ("id",)
    fields = ("id", "key", "lock")


# The library registers its own as it is imported, which has to have happened before they are replaced.
import_module("django_q.admin")
for model, ours in ((Schedule, ScheduleAdmin), (Success, TaskAdmin), (Failure, TaskAdmin), (OrmQ, QueueAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, ours)
