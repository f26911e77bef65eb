"""One log line: seed 002 §7.3's fields, and the ids that tie lines of one event together (contract.md)."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

from prism.redaction import LONGEST_STACK, redacted, redacted_text

NOBODY = "-"
"""`tenantId` of a line that concerns no tenant in particular."""
LEVELS = {"warning": "WARN", "warn": "WARN", "error": "ERROR", "exception": "ERROR", "critical": "ERROR"}
SERVICES = {"ingestion": "ingest", "appointments": "agendamento"}
OF_DISPATCH = ("dispatching", "campaigns", "templates", "audiences", "providers", "outbox", "conversations")
"""The seed's three services, by room; what belongs to none of them is `prism`."""

TENANT = ("tenantId", "tenant", "tenant_id")
LEAD = ("leadId", "lead_id")
CORRELATION = ("correlationId", "correlation_id")
TRACE = ("traceId", "trace_id")
DURATION = ("duration", "duration_ms")
_OWN = (
    "event",
    "level",
    "logger",
    "exc_info",
    "stack_info",
    "result",
    "error",
    "metadata",
    "_record",
    "_from_structlog",
)


def line_of(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The last structlog processor but the renderer: from whatever was logged to the contract's fields."""
    level = LEVELS.get(event.get("level", ""), "INFO")
    name = event.get("logger") or ""
    fault = _fault(event)
    rest = {key: value for key, value in event.items() if key not in _OWN}
    line: dict[str, Any] = {
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "service": service_of(name),
        "tenantId": str(_taken(rest, TENANT) or NOBODY),
        "leadId": _lead(_taken(rest, LEAD)),
        "traceId": _identifier(_taken(rest, TRACE)),
        "correlationId": _identifier(_taken(rest, CORRELATION)),
    }
    duration = _taken(rest, DURATION)
    metadata = {**rest, **_mapping(event.get("metadata")), "logger": name}
    line["action"] = _action(event, name, metadata)
    line["result"] = event.get("result") or ("failure" if level == "ERROR" or fault else "success")
    line["duration"] = round(duration, 3) if isinstance(duration, int | float) else None
    line["error"] = fault or (
        {"message": metadata.pop("message")} if level == "ERROR" and "message" in metadata else None
    )
    line["metadata"] = redacted(metadata)
    return {key: value for key, value in line.items() if value is not None}


def service_of(logger: str) -> str:
    project, _, room = logger.partition(".")
    room = room.partition(".")[0] if project == "prism" else project
    return SERVICES.get(room) or ("disparo" if room in OF_DISPATCH else "prism")


def _action(event: MutableMapping[str, Any], name: str, metadata: dict[str, Any]) -> str:
    """Our own lines name their action; a library's sentence goes to the metadata, under the library's name."""
    if event.get("_from_structlog", True):
        return str(event.get("event", ""))
    metadata["message"] = redacted_text(str(event.get("event", "")))
    return name or "log"


def _fault(event: MutableMapping[str, Any]) -> dict[str, str] | None:
    """`error` as text, exception or mapping, and the exception at hand with its stack."""
    told, info = event.get("error"), _exception(event.get("exc_info"))
    if info is None and isinstance(told, BaseException):
        info = told
    if info is None and not told:
        return None
    fault: dict[str, str] = {}
    if isinstance(told, dict):
        fault = {str(key): redacted_text(str(value)) for key, value in told.items() if key in ("message", "stack")}
    elif told:
        fault = {"message": redacted_text(_message(told) if isinstance(told, BaseException) else str(told))}
    if info is not None:
        fault.setdefault("message", redacted_text(_message(info)))
        fault["stack"] = redacted_text("".join(traceback.format_exception(info)), LONGEST_STACK)
    return fault


def _exception(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        found = info[1]
        return found if isinstance(found, BaseException) else None
    return sys.exc_info()[1] if info else None


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _taken(rest: dict[str, Any], names: tuple[str, ...]) -> Any:
    """What the line itself says (a room's own spelling) before what is bound to the request (ours, the first)."""
    values = [rest.pop(name) for name in reversed(names) if name in rest]
    return next((value for value in values if value is not None), None)


def _lead(value: Any) -> str | None:
    """An id, never a person: what looks like one is left out."""
    text = None if value is None else str(value)
    return text if text is None or redacted_text(text) == text else None


def _identifier(value: Any) -> str | None:
    """Given by whoever sent the event; kept as it is, for without it lines cannot be tied together."""
    return None if value in (None, "") else str(value)[:200]


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {} if value is None else {"value": value}


def extra_of(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """What Django adds to its records: the status is worth keeping, the request object is not."""
    record: logging.LogRecord | None = event.get("_record")
    status = getattr(record, "status_code", None)
    return {**event, "status": status} if status is not None else dict(event)
