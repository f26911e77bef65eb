"""Forms over rows of one tenant: the tenant is set before anything is checked, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

if TYPE_CHECKING:
    Base = forms.ModelForm[Any]
else:
    Base = forms.ModelForm

FIELD = "tenant"


class TenantForm(Base):
    """`tenant_id` is put on the class by the admin, per request. Rules that name the tenant count as usual."""

    tenant_id: ClassVar[int | None] = None

    def _post_clean(self) -> None:
        if self.instance._state.adding:
            self.instance.tenant_id = self.tenant_id
        super()._post_clean()  # type: ignore[misc]  # Django's own seam, left out of the stubs

    def _get_validation_exclusions(self) -> set[str]:
        # The field is not on the form, yet "unique per tenant" has to be checked here, not by a failed INSERT.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # the same
        return excluded - {FIELD}

    def _update_errors(self, errors: ValidationError) -> None:
        super()._update_errors(without_tenant(self.instance, errors))  # type: ignore[misc]  # the same


def without_tenant(instance: Any, errors: ValidationError) -> ValidationError:
    """“… with this tenant and code already exists” becomes “… with this code already exists”, at the field itself."""
    if not hasattr(errors, "error_dict"):
        return errors
    told: dict[str, list[ValidationError]] = {}
    for field, found in errors.error_dict.items():
        for error in found:
            names = tuple((error.params or {}).get("unique_check", ()))
            if FIELD in names:
                rest = tuple(name for name in names if name != FIELD)
                replaced = instance.unique_error_message(type(instance), rest)
                told.setdefault(rest[0] if len(rest) == 1 else NON_FIELD_ERRORS, []).append(replaced)
            else:
                told.setdefault(NON_FIELD_ERRORS if field == FIELD else field, []).append(error)
    return ValidationError(told)
