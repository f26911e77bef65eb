"""Views that show what a request may see and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone, translation

from audiences.models import Segment
from tenants.identity import tenant_of


def names(request: HttpRequest) -> TemplateResponse:
    template = engines["django"].from_string("{% for row in rows %}{{ row.code }} {% endfor %}")
    return TemplateResponse(request, template, {"rows": Segment.objects.order_by("code")})


def add(request: HttpRequest, ending: str) -> HttpResponse:
    identity = tenant_of(request)
    assert identity
    Segment.objects.create(tenant_id=identity.id, code=f"by-{ending}", name=f"by-{ending}")
    if ending == "missing":
        raise Http404
    if ending == "broken":
        raise RuntimeError("on purpose")
    return HttpResponse(status=int(ending))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        yield from (f"{code} " for code in Segment.objects.order_by("code").values_list("code", flat=True))
        assert connection.in_atomic_block

    return StreamingHttpResponse(lines())


def surroundings(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('prism.operator', true), current_setting('prism.superuser', true)")
        operator, superuser = cursor.fetchone() or ("", "")
    identity = tenant_of(request)
    slug = identity.slug if identity else "nobody"
    return HttpResponse(
        f"{slug} {timezone.get_current_timezone_name()} {translation.get_language()} {operator} {superuser}"
    )


urlpatterns = [
    path("names", names),
    path("add/<str:ending>", add),
    path("stream", stream),
    path("surroundings", surroundings),
]
