"""Every operation that the document knows, as it can be called."""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple

from prism.openapi import build_document
from tests.prism.tenancies import Filled

METHODS = ("get", "post", "put", "patch", "delete")
SCOPE = re.compile(r"Scope: `(\w+)`")


class Operation(NamedTuple):
    """`scope` is "" where everybody may."""

    method: str
    path: str
    scope: str

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


def operations() -> list[Operation]:
    return [
        Operation(method.upper(), path.removeprefix("/api/"), _scope_of(told))
        for path, methods in build_document()["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    ]


def address_of(operation: Operation, filled: Filled) -> str:
    """The path with ids of a tenant's rows in it; of made-up ones where it has none."""
    known = {**_ids_of(operation.path.split("/")[0], filled), "name": "spare"}
    address = operation.path
    for name in operation.parameters:
        address = address.replace(f"{{{name}}}", str(known.get(name, uuid.uuid4())))
    return address


def models() -> dict[str, Any]:
    """First part of a path → the model whose rows it shows."""
    from audiences.models import AttributeDefinition, Segment
    from campaigns.models import Campaign
    from providers.models import Provider
    from templates.models import MessageTemplate
    from tenants.models import ApiKey, Membership

    return {
        "segments": Segment,
        "campaigns": Campaign,
        "providers": Provider,
        "templates": MessageTemplate,
        "contact-attributes": AttributeDefinition,
        "members": Membership,
        "api-keys": ApiKey,
    }


def _ids_of(room: str, filled: Filled) -> dict[str, Any]:
    model = models().get(room)
    if model is None:
        return {"id": filled.failed, "tax_id": f"{filled.mark}-tax"}
    pk = model.objects.filter(tenant_id=filled.tenant.pk).order_by("pk").values_list("pk", flat=True).first()
    return {"id": pk, "template_id": pk}


def _scope_of(told: dict[str, Any]) -> str:
    found = SCOPE.search(told.get("description", ""))
    return found.group(1) if found else ""
