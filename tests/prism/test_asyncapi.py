"""The documents that other teams read: schemas that say what the seed says, and an AsyncAPI document made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from dispatching.statuses import PUBLISHED
from prism import asyncapi
from prism.management.commands import export_asyncapi

TOPICS = ("campaign_triggers", "communication_dispatch_events")


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((asyncapi.SCHEMAS / name).read_text())
    return content


def test_the_committed_document_is_fresh() -> None:
    call_command("export_asyncapi", check=True)


def test_a_stale_document_fails_the_check_and_writing_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "asyncapi.yaml"
    monkeypatch.setattr(export_asyncapi, "DOCUMENT", document)
    with pytest.raises(CommandError, match="stale"):
        call_command("export_asyncapi", check=True)
    assert not document.exists()
    call_command("export_asyncapi")
    call_command("export_asyncapi", check=True)
    document.write_text(document.read_text().replace("SENT", "GONE"))
    with pytest.raises(CommandError, match="stale"):
        call_command("export_asyncapi", check=True)


@pytest.mark.parametrize("topic", TOPICS)
def test_the_seeds_example_is_valid(topic: str) -> None:
    Draft202012Validator.check_schema(read(f"{topic}.schema.json"))
    Draft202012Validator(read(f"{topic}.schema.json")).validate(read(f"examples/{topic}.json"))


@pytest.mark.parametrize("topic", TOPICS)
def test_references_inside_the_document_lead_somewhere(topic: str) -> None:
    document = yaml.safe_load(asyncapi.DOCUMENT.read_text())
    [name] = [name for name, message in document["components"]["messages"].items() if message["name"] == topic]
    registry = Registry().with_resource("urn:document", Resource.from_contents(document, DRAFT202012))
    where = f"urn:document#/components/messages/{name}/payload/schema"
    validator = Draft202012Validator({"$ref": where}, registry=registry)
    example = read(f"examples/{topic}.json")
    validator.validate(example)
    assert not validator.is_valid({**example, "triggered_at": 5})
    assert not validator.is_valid({key: value for key, value in example.items() if key != "correlation_id"})


def test_every_published_status_is_named_and_the_waiting_ones_are_not() -> None:
    schema = read("communication_dispatch_events.schema.json")
    assert set(schema["properties"]["status"]["enum"]) == {status.value for status in PUBLISHED}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "PENDING"),
        ("dispatched_at", "2024-10-20 14:30:02"),
        ("processing_time_ms", 1.5),
        ("correlation_id", ""),
        ("provider", "one field more"),
    ],
)
def test_what_the_seed_does_not_allow_is_refused(field: str, value: Any) -> None:
    validator = Draft202012Validator(read("communication_dispatch_events.schema.json"))
    assert not validator.is_valid({**read("examples/communication_dispatch_events.json"), field: value})
