"""The pages of the second factor. Wrong codes are answered by 200: what was counted must not be rolled back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from tenants.identity import tenant_of
from tenants.models import SecondFactor
from tenants.signin import second_factor


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )


@method_decorator([sensitive_post_parameters(), never_cache, login_required], name="dispatch")
class Page(View):
    """Somebody who has given the password. `template` shows `form` where a code is asked for."""

    template = ""

    def context(self, _request: HttpRequest) -> dict[str, Any]:
        return {}

    def answer(self, request: HttpRequest, form: CodeForm | None = None, **more: Any) -> HttpResponse:
        context = {"form": form or CodeForm(), "next": request.GET.get("next", ""), **self.context(request), **more}
        return render(request, self.template, context)


class AskPage(Page):
    """At every sign-in, after the password."""

    template = "prism/second_factor/ask.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request) if _is_asked(request) else HttpResponseRedirect(reverse("admin:index"))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        if not _is_asked(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if not form.is_valid() or not is_right(request, form):
            return self.answer(request, form)
        remember(request)
        return HttpResponseRedirect(_aim(request))


class SetUpPage(Page):
    """The QR code, and the first code of the app."""

    template = "prism/second_factor/set_up.html"

    def context(self, request: HttpRequest) -> dict[str, Any]:
        factor = second_factor.begin(request.user, anew=request.method == "GET")  # type: ignore[arg-type]  # signed in
        # Our own drawing of our own text: no markup of anybody else is in it.
        picture = mark_safe(second_factor.picture_of(second_factor.uri_of(factor)))  # noqa: S308
        identity = tenant_of(request)
        asked = identity is not None and second_factor.required(identity)
        return {"picture": picture, "key": second_factor.key_of(factor), "asked": asked}

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("second-factor")) if _has_one(request) else self.answer(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        if _has_one(request):
            return HttpResponseRedirect(reverse("second-factor"))
        factor = second_factor.begin(request.user, anew=False)  # type: ignore[arg-type]  # the same
        codes = second_factor.confirm(factor, form.cleaned_data["code"]) if form.is_valid() else None
        if codes is None:
            form.add_error("code", _("This is not the code of now. Look at the app's newest one."))
            return self.answer(request, form)
        remember(request, factor.pk)
        second_factor.record(request, request.user, second_factor.DEEDS["set_up"])
        return show_codes(request, codes)


class ManagePage(Page):
    """Whether there is one, and what can be done about it: each deed takes a code."""

    template = "prism/second_factor/manage.html"

    def context(self, request: HttpRequest) -> dict[str, Any]:
        return {"has_one": _has_one(request), "codes_left": second_factor.codes_left(request.user)}  # type: ignore[arg-type]  # the same

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        if not form.is_valid() or not is_right(request, form):
            return self.answer(request, form)
        user: Any = request.user
        if request.POST.get("deed") == "renew":
            second_factor.record(request, user, second_factor.DEEDS["renewed"])
            return show_codes(request, second_factor.renew_codes(user))
        if request.POST.get("deed") == "remove":
            second_factor.remove(user)
            request.session.pop(second_factor.SESSION_KEY, None)
            second_factor.record(request, user, second_factor.DEEDS["removed"])
        return HttpResponseRedirect(reverse("second-factor"))


def is_right(request: HttpRequest, form: CodeForm) -> bool:
    """Whether the form's code opens; else its field says why not."""
    answer = second_factor.check(request.user, form.cleaned_data["code"])  # type: ignore[arg-type]  # the same
    if answer.wait_until:
        until = date_format(localtime(answer.wait_until), "H:i:s")
        form.add_error("code", _("Too many wrong codes. The next one is looked at from %(time)s.") % {"time": until})
    elif not answer.right:
        form.add_error("code", _("This code is wrong, or was used already."))
    return answer.right


def remember(request: HttpRequest, factor_id: int | None = None) -> None:
    """This session has proven it; the key that others may know from before ends here."""
    identity = tenant_of(request)
    request.session.cycle_key()
    request.session[second_factor.SESSION_KEY] = factor_id or (identity.factor_id if identity else None)


def show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "prism/second_factor/codes.html", {"codes": codes})


def _has_one(request: HttpRequest) -> bool:
    return bool(SecondFactor.objects.filter(user_id=request.user.pk, confirmed=True).exists())


def _is_asked(request: HttpRequest) -> bool:
    identity = tenant_of(request)
    return identity is not None and identity.factor_id is not None and not second_factor.proven(request, identity)


def _aim(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")
