"""The AsyncAPI 3.0 document of both topics, made from the JSON Schemas in docs/schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml
from django.conf import settings

DOCS = Path(settings.BASE_DIR) / "docs"
SCHEMAS = DOCS / "schemas"
DOCUMENT = DOCS / "asyncapi.yaml"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
HEADING = "# Made by `manage.py export_asyncapi` from docs/schemas: change those.\n"

INFO = {
    "title": "Prism",
    "version": "1.0.0",
    "description": (
        "Prism takes intentions to communicate from one topic and tells on another what became of each. "
        "The names of both topics are settings: KAFKA_TRIGGERS_TOPIC and KAFKA_DISPATCH_EVENTS_TOPIC."
    ),
}
TRIGGER_HEADERS = {
    "type": "object",
    "properties": {
        "tenant": {
            "type": "string",
            "description": "Slug of the tenant. Without it the topic's tenant is taken, else the default one.",
        }
    },
}


def build_document() -> dict[str, Any]:
    """The whole document as plain data. Raises FileNotFoundError where a schema is missing."""
    return {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "channels": {
            "campaignTriggers": _channel(
                "campaign_triggers", "campaignTrigger", "Intentions to communicate, which Prism consumes."
            ),
            "communicationDispatchEvents": _channel(
                "communication_dispatch_events",
                "communicationDispatchEvent",
                "What became of each communication, which Prism publishes: at least once, in order per key.",
            ),
        },
        "operations": {
            "receiveCampaignTriggers": _operation("receive", "campaignTriggers"),
            "sendCommunicationDispatchEvents": _operation("send", "communicationDispatchEvents"),
        },
        "components": {
            "messages": {
                "campaignTrigger": _message(
                    "campaignTrigger", "campaign_triggers", TRIGGER_HEADERS, key="Free. It decides the partition only."
                ),
                "communicationDispatchEvent": _message(
                    "communicationDispatchEvent",
                    "communication_dispatch_events",
                    _schema("communication_dispatch_events.headers"),
                    key="The contact's tax id, or else the correlation id. Facts of one key are in order.",
                ),
            }
        },
    }


def render() -> str:
    """The document as it stands in docs/asyncapi.yaml."""
    return HEADING + yaml.safe_dump(build_document(), sort_keys=False, allow_unicode=True, width=116)


def _channel(topic: str, message: str, description: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _message(name: str, topic: str, headers: dict[str, Any], *, key: str) -> dict[str, Any]:
    payload = _schema(topic)
    return {
        "name": topic,
        "title": payload.pop("title"),
        "description": payload.pop("description"),
        "contentType": "application/json",
        "headers": headers,
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": _moved(payload, f"#/components/messages/{name}/payload/schema"),
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
        "examples": [{"name": "seed", "payload": _read(SCHEMAS / "examples" / f"{topic}.json")}],
    }


def _schema(name: str) -> dict[str, Any]:
    """A schema file without its dialect, which the document states once per message."""
    schema = _read(SCHEMAS / f"{name}.schema.json")
    schema.pop("$schema")
    return schema


def _read(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def _moved(node: Any, place: str) -> Any:
    """The same schema with its references to itself pointing to where it stands in the document."""
    if isinstance(node, dict):
        return {
            name: f"{place}{value[1:]}" if name == "$ref" and str(value).startswith("#/") else _moved(value, place)
            for name, value in node.items()
        }
    return [_moved(item, place) for item in node] if isinstance(node, list) else node
