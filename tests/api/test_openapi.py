"""The document of the API: fresh, whole, and shown by pages that run no script but our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from prism.management.commands import export_openapi
from prism.openapi import build_document
from tenants.models import Tenant
from tests.api.callers import Caller
from tests.factories import MembershipFactory
from tests.web import as_web_process


def test_the_committed_document_is_fresh() -> None:
    call_command("export_openapi", check=True)


def test_a_stale_document_fails_the_check_and_writing_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "openapi.yaml"
    monkeypatch.setattr(export_openapi, "DOCUMENT", document)
    with pytest.raises(CommandError, match="stale"):
        call_command("export_openapi", check=True)
    call_command("export_openapi")
    call_command("export_openapi", check=True)


def test_drf_spectacular_has_nothing_to_complain_of(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert capsys.readouterr().err == ""


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", told)
        for path, methods in build_document()["paths"].items()
        for method, told in methods.items()
        if isinstance(told, dict)
    ]


def test_every_operation_has_a_summary_a_tag_a_name_of_its_own_and_its_errors() -> None:
    for label, told in operations():
        assert told.get("summary"), label
        assert told["tags"], label
        assert {"401", "429", "500", "503"} <= told["responses"].keys(), label
    assert len({told["operationId"] for _label, told in operations()}) == len(operations())


def test_examples_are_as_their_schemas_say() -> None:
    registry = Registry().with_resource("urn:document", Resource.from_contents(build_document(), DRAFT202012))
    checked = 0
    for label, told in operations():
        for content in told.get("requestBody", {}).get("content", {}).values():
            for example in content.get("examples", {}).values():
                schema = {"$ref": f"urn:document{content['schema']['$ref']}"}
                errors = list(Draft202012Validator(schema, registry=registry).iter_errors(example["value"]))
                assert errors == [], label
                checked += 1
    assert checked >= 6


def test_bodies_take_no_field_besides_their_own() -> None:
    schemas = build_document()["components"]["schemas"]
    objects = [schema for name, schema in schemas.items() if name.endswith("Request")]
    assert objects
    assert all(schema["additionalProperties"] is False for schema in objects)


def test_whoever_has_a_key_reads_the_document(caller: Caller) -> None:
    assert caller.get("schema").json() == build_document()


@pytest.mark.django_db(transaction=True)
def test_the_pages_are_for_members_and_for_everybody_by_setting(tenant: Tenant, settings: Any) -> None:
    client = Client()
    with as_web_process():
        assert client.get("/api/docs")["Location"] == "/admin/login/?next=/api/docs"
        settings.API_DOCS_OPEN = True
        assert client.get("/api/docs").status_code == client.get("/api/schema").status_code == 200
    settings.API_DOCS_OPEN = False
    client.force_login(MembershipFactory.create(tenant=tenant).user)
    with as_web_process():
        page = client.get("/api/docs").content.decode()
        assert re.findall(r"<script(?![^>]*src=)", page) == []
        sources = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert all(source.startswith("/") for source in sources)
        script = client.get(sources[-1].replace("&amp;", "&"))
        assert script["Content-Type"].startswith("application/javascript")
        assert "/api/schema" in script.content.decode()
