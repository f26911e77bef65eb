"""The pages about who owns and who may act: the organisation, its members, its API keys, and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.forms import TenantForm
from tenants.identity import Capability, may, tenant_of
from tenants.keys import furnish_key
from tenants.labels import labelled
from tenants.models import ApiKey, Membership, Role, Tenant
from tenants.scoping import TenantScopedAdmin, TenantScopedInline
from tenants.signin.members import SecondFactorOfMembers

if TYPE_CHECKING:
    People = UserAdmin[User]
    Tabular = admin.TabularInline[Membership, User]
else:
    from unfold.admin import ModelAdmin
    from unfold.admin import TabularInline as Tabular

    class People(UserAdmin, ModelAdmin):
        """Django's page in the theme's clothes."""


SCOPE_LABELS = {
    Capability.VIEW: _("See everything"),
    Capability.EDIT: _("Change configuration"),
    Capability.OPERATE: _("Act on the queues"),
    Capability.ADMINISTER: _("Manage members and keys"),
}
ROLE_TONES = {Role.ADMIN: "primary", Role.AUTHOR: "info", Role.OPERATOR: "warning", Role.VIEWER: ""}


@admin.register(Tenant)
class OrganisationAdmin(TenantScopedAdmin):
    """One row, one page."""

    edit = Capability.ADMINISTER
    fields = ("name", "timezone", "locale", "person_key_attribute", "second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        identity = tenant_of(request)
        return Tenant.objects.filter(pk=identity.id) if identity else Tenant.objects.none()

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        identity = tenant_of(request)
        if identity is None:
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[identity.id]))

    def save_model(self, _request: HttpRequest, obj: Any, form: Any, _change: bool) -> None:
        # The web role may write these columns only.
        obj.save(update_fields=[name for name in form.changed_data if name in self.fields])


@admin.register(Membership)
class MemberAdmin(SecondFactorOfMembers, TenantScopedAdmin):
    """Administrators change roles; only superusers, who see people of no organisation yet, add members."""

    edit = Capability.ADMINISTER
    list_display = ("user", "role_label", "second_step", "created_at")
    actions = ("reset_second_step",)
    list_filter = ("role",)
    search_fields = ("user__username",)
    list_select_related = ("user",)
    fields = ("user", "role")

    @labelled(_("role"), ROLE_TONES, ordering="role")
    def role_label(self, member: Membership) -> tuple[str, str]:
        return member.role, member.get_role_display()

    def has_add_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_own(request, obj)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user" and request.user.is_superuser:
            return db_field.formfield(queryset=User.objects.all(), **kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ApiKeyForm(TenantForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@admin.register(ApiKey)
class ApiKeyAdmin(TenantScopedAdmin):
    """A key is shown once, on the page that answers its creation, and stored nowhere in the clear."""

    edit = Capability.ADMINISTER
    form = ApiKeyForm
    fields = ("name", "scopes")
    list_display = ("name", "prefix", "allowed", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.ADMINISTER)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).defer("digest")

    @admin.display(description=_("Scopes"))
    def allowed(self, key: ApiKey) -> str:
        return ", ".join(str(SCOPE_LABELS.get(Capability(scope), scope)) for scope in key.scopes)

    def save_model(self, _request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            # The web role may write these columns only.
            obj.save(update_fields=[name for name in form.changed_data if name in self.fields])
            return
        obj.minted = furnish_key(obj)
        obj.save(force_insert=True)

    def response_add(self, request: HttpRequest, obj: Any, _post_url_continue: str | None = None) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": _("The new API key"), "key": obj.minted}
        return TemplateResponse(request, "admin/tenants/apikey/minted.html", context)

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        text = ngettext("%(count)d key revoked.", "%(count)d keys revoked.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


class RoleInline(TenantScopedInline, Tabular):
    edit = Capability.ADMINISTER
    model = Membership
    fields = ("role",)
    extra = 1
    max_num = 1


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(People):
    """People, for superusers. What they may do is the role in the organisation; there are no other permissions."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (RoleInline,)
    list_fullwidth = True
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True
    list_display = ("username", "email", "first_name", "last_name", "is_active")
    list_filter = (("is_active", BooleanRadioFilter),)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "is_active")}),
    )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        # His name stays in the journal: he is switched off, not removed.
        return False


def _is_own(request: HttpRequest, obj: Any) -> bool:
    return obj is not None and obj.user_id == request.user.pk and not request.user.is_superuser
