"""Pages for providers: a form made from the vendor's schema, secrets that only go in, and a tested connection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import NestedObjects
from django.core.exceptions import PermissionDenied
from django.db import models, router
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from providers import checking
from providers.authoring import store_provider
from providers.check_views import check_view, checks_view, may_check, register_view, state_of
from providers.circuit_words import told_of
from providers.circuits import circuit_of
from providers.confirming import confirm_switch
from providers.listing import FeatureFilter, ListColumns, VendorFilter, health_badge, vendor_of
from providers.models import Provider, ProviderSecret
from providers.outlook import notices_of, uses_of, with_counts
from providers.pages import Page, cards, examples, is_chosen, page_of, sections
from providers.provider_forms import KNOWN_TYPES, SchemaProviderForm
from providers.registry import TRANSPORTS
from providers.resume_views import may_resume, resume_view
from providers.secret_inline import SecretInline
from providers.webhook_panel import webhook_panel
from tenants.scoping import TenantScopedAdmin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])

    def action(**_options: Any) -> Callable[[Method], Method]: ...
else:
    from unfold.decorators import action


@admin.register(Provider)
class ProviderAdmin(ListColumns, TenantScopedAdmin):
    list_display = ("title", "kind", "is_active", "connection", "pace", "users", "owner")
    list_filter = (
        VendorFilter,
        FeatureFilter,
        "provider_type",
        "is_active",
        "health",
        ("owner", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("owner", "circuit")
    ordering = ("provider_name",)
    search_fields = ("provider_name", "provider_type")
    actions = ("check_connections", "activate", "deactivate")
    actions_detail = ("copy", "switch")
    readonly_fields = ("shown_configuration", "created_at", "created_by", "updated_at", "connected_at")
    inlines = (SecretInline,)
    change_form_before_template = "providers/form_top.html"
    change_form_outer_before_template = "providers/form_head.html"

    class Media:
        css = {"all": ("providers/providers.css",)}
        js = ("providers/conditions.js", "providers/check.js", "providers/copy.js")

    # Which form

    def _page(self, request: HttpRequest, obj: Provider | None) -> Page:
        return page_of(request, obj, lambda pk: self.get_object(request, pk))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if self._writes(request, obj):
            kwargs["form"] = self._page(request, obj).form
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._writes(request, obj):
            return sections(self._page(request, obj), obj, adding=obj is None)
        return (
            (None, {"fields": ("provider_name", "provider_type", "is_active")}),
            (_("Configuration"), {"fields": ("shown_configuration",)}),
            (_("Pace and owner"), {"fields": ("max_messages_per_minute", "owner")}),
            (_("More"), {"fields": (("created_at", "created_by", "updated_at"), "connected_at")}),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """The vendor's form has secrets at their own fields."""
        if self._writes(request, obj) and not self._page(request, obj).is_json:
            return ()
        return self.inlines

    def _writes(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = {"owner": request.user.pk}
        page = self._page(request, None)
        original = page.original
        types = TRANSPORTS[page.vendor].provider_types if page.vendor else None
        if types and len(types) == 1:
            initial["provider_type"] = next(iter(types))
        if original is not None:
            kept = ("provider_type", "provider_name", "max_messages_per_minute", "configuration")
            initial |= {name: getattr(original, name) for name in kept}
        return initial

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the vendor, then the form that is its own."""
        if not is_chosen(request):
            if not self.has_add_permission(request):
                raise PermissionDenied
            context = {**self.admin_site.each_context(request), "opts": self.opts, "cards": cards()}
            context |= {"title": gettext("Which vendor?"), "rest": request.GET.urlencode()}
            return TemplateResponse(request, "providers/choose_vendor.html", context)
        return super().add_view(request, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj: Provider | None = kwargs.get("obj")
        writes = self._writes(request, obj)
        page = self._page(request, obj) if writes else None
        context |= {
            "page": page,
            "provider_types": KNOWN_TYPES,
            "examples": examples() if page is not None and page.is_json else (),
            "form_query": _query(page, as_json=False),
            "json_query": _query(page, as_json=True),
        }
        if obj is not None:
            context |= {
                "provider": obj,
                "vendor_title": vendor_of(obj),
                "badge": health_badge(obj),
                "uses": uses_of(obj),
                "notices": notices_of(obj),
                "panel": state_of(obj),
                "webhook": webhook_panel(obj),
                "may_check": may_check(request),
                "told": told_of(circuit_of(obj), timezone.now()),
                "may_resume": may_resume(request),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    # Saving

    def save_model(self, request: HttpRequest, obj: Any, form: Any, _change: bool) -> None:
        secrets = form.new_secrets if isinstance(form, SchemaProviderForm) else {}
        store_provider(obj, secrets=secrets, by=request.user.get_username())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for secret in formset.forms:
            if secret.has_changed():
                secret.instance.created_by = request.user.get_username()[:150]
        super().save_formset(request, form, formset, change)

    def response_post_save_add(self, _request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """To the provider's own page: its connection is being tested, and the result is what one wants to see."""
        return HttpResponseRedirect(reverse("admin:providers_provider_change", args=[obj.pk]))

    # List

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return with_counts(super().get_queryset(request))

    @admin.action(description=_("Test connection"), permissions=["check"])
    def check_connections(self, request: HttpRequest, queryset: models.QuerySet[Provider]) -> None:
        providers = list(queryset)
        for provider in providers:
            checking.request_check(provider, by=request.user.get_username())
        text = ngettext(
            "The connection of %(n)d provider is being tested: reload the list in a moment.",
            "The connections of %(n)d providers are being tested: reload the list in a moment.",
            len(providers),
        )
        self.message_user(request, text % {"n": len(providers)}, messages.SUCCESS)

    def has_check_permission(self, request: HttpRequest) -> bool:
        return may_check(request)

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: models.QuerySet[Provider]) -> HttpResponse | None:
        return confirm_switch(self, request, queryset, active=True)

    @admin.action(description=_("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: models.QuerySet[Provider]) -> HttpResponse | None:
        return confirm_switch(self, request, queryset, active=False)

    # One provider

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views = (
            ("check", check_view),
            ("checks", checks_view),
            ("register", register_view),
            ("resume", resume_view),
        )
        return [
            path(
                f"<path:object_id>/{name}/",
                wrap(lambda request, object_id, view=view: view(self, request, object_id)),
                name=f"providers_provider_{name}",
            )
            for name, view in views
        ] + super().get_urls()

    @action(description=_("Copy"), icon="content_copy", permissions=["change"])
    def copy(self, _request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:providers_provider_add") + f"?copy={object_id}")

    @action(description=_("Switch on or off"), icon="toggle_on", permissions=["change"])
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        provider = self.get_object(request, object_id)
        if provider is None:
            return HttpResponseRedirect(reverse("admin:providers_provider_changelist"))
        chosen = self.get_queryset(request).filter(pk=provider.pk)
        asked = confirm_switch(self, request, chosen, active=not provider.is_active)
        return asked or HttpResponseRedirect(reverse("admin:providers_provider_change", args=[provider.pk]))

    @admin.display(description=_("configuration"))
    def shown_configuration(self, provider: Provider) -> SafeString:
        text = json.dumps(provider.configuration, ensure_ascii=False, indent=2)
        return format_html('<pre class="provider-json">{}</pre>', text)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Django's own would read the secrets to name them."""
        collector = SecretBlindCollector(using=router.db_for_write(self.model), origin=objs)
        collector.collect(objs)
        names = collector.nested(str)
        found: dict[Any, set[Any]] = {**collector.model_objs}
        counts = {str(model._meta.verbose_name_plural): len(rows) for model, rows in found.items()}
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, counts, missing, [str(user) for user in collector.protected]


class SecretBlindCollector(NestedObjects):
    """Collects what a deletion takes along without reading values that the web role may not read."""

    def related_objects(
        self, related_model: type[models.Model], related_fields: Iterable[Any], objs: Any
    ) -> models.QuerySet[Any]:
        found: models.QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        return found.defer("value") if related_model is ProviderSecret else found


def _query(page: Page | None, *, as_json: bool) -> str:
    """The address of the other tab."""
    if page is None or as_json:
        return "?as=json"
    return f"?vendor={page.vendor}" if page.vendor else "?"
