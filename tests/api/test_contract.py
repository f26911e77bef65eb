"""The whole API against its own document: nothing it answers is undocumented, and nothing makes it stumble.

The WSGI application itself is called, under the web role, with a tenant's key, and with what schemathesis makes of the
document: requests as they should be, and spoilt ones. Bounded to about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.callers import key_of
from tests.api.operations import models
from tests.prism.tenancies import Filled
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 6
"""Per operation, kind of data and kind of path."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TOLERANT = {
    # Each message of a batch is judged by itself, in an answer that succeeds as a whole.
    "POST /api/dispatches/batch",
    # Any text may be asked for; of one that no contact can have there is no history.
    "GET /api/contacts/{tax_id}/dispatches",
}
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}})
_settings = hypothesis.settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def api(two: tuple[Filled, Filled]) -> Iterator[Any]:
    """The document as the application gives it."""
    key = key_of(two[0].tenant.pk, name="reader")
    with as_web_process():
        yield schemathesis.openapi.from_wsgi(
            "/api/schema", get_wsgi_application(), headers=headers_of(key), config=CONFIG
        )


def test_every_answer_is_as_the_document_says(api: Any, two: tuple[Filled, Filled]) -> None:
    failures: list[str] = []
    answered: dict[str, set[int]] = {}
    for result in api.get_all_operations():
        operation = result.ok()
        with as_owner():
            # One of its own: an operation on keys may well hit the key that asks.
            headers = headers_of(key_of(two[0].tenant.pk, name=f"key for {operation.label}"))
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for known in paths_of(operation, two[0]):
                tried = answered.setdefault(operation.label, set())
                failures += try_out(operation, mode, known, headers, tried)
    assert not failures, "\n\n".join(failures)
    # Or it would prove little. What needs rows of other lists to succeed is tried by the other tests of this folder.
    succeeded = [label for label, codes in answered.items() if any(code < 300 for code in codes)]
    assert len(succeeded) > len(answered) / 2, sorted(answered.keys() - set(succeeded))


def headers_of(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Accept-Language": "en"}


def try_out(
    operation: Any, mode: GenerationMode, known: dict[str, Any], headers: dict[str, str], answered: set[int]
) -> list[str]:
    """What schemathesis finds wrong with one operation; at most one report."""
    sent = {**headers, **({"If-Match": "*"} if mode is GenerationMode.POSITIVE else {})}
    judged = mode is GenerationMode.NEGATIVE and not known and operation.label not in TOLERANT
    checks = [*CHECKS, *([negative_data_rejection] if judged else [])]
    try:
        strategy = operation.as_strategy(mode, **({"path_parameters": known} if known else {}))
    except Exception as error:  # noqa: BLE001 - an operation without data has nothing to spoil
        return [] if mode is GenerationMode.NEGATIVE else [f"{operation.label}: {error!r}"]

    @_settings
    @given(case=strategy)
    def once(case: Any) -> None:
        response = case.call(headers=sent)
        answered.add(response.status_code)
        case.validate_response(response, checks=checks, headers=sent)

    try:
        once()
    except hypothesis.errors.Unsatisfiable:
        return []
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is tried, then all are told
        told = [str(one) for one in getattr(error, "exceptions", [error])]
        return ["\n".join([f"{operation.label} ({mode.value})", *told])]
    return []


def paths_of(operation: Any, filled: Filled) -> list[dict[str, Any]]:
    """Paths made up, and the path of a row that is there."""
    parameters = {parameter.name for parameter in operation.path_parameters}
    known = ids_of(operation.path, filled) if parameters else {}
    return [{}, known] if known.keys() == parameters and parameters else [{}]


def ids_of(path: str, filled: Filled) -> dict[str, Any]:
    room = path.split("/")[2]
    if room == "dispatches":
        return {"id": str(filled.failed)} if "{id}" in path else {}
    if room not in models():
        return {}
    with as_owner():
        # The first key is not the one that asks.
        rows = models()[room].objects.filter(tenant_id=filled.tenant.pk).order_by("pk")
        pk = rows.values_list("pk", flat=True).first()
    names = {"id": pk, "template_id": pk, "name": "spare"}
    return {name: value for name, value in names.items() if f"{{{name}}}" in path and value is not None}
