"""Log lines: the contract's fields, and nothing that tells who somebody is or how to get in."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import structlog

import prism
from prism.logs import LineFormatter

LOG_CONFIG = Path(prism.__file__).parent / "granian_logs.json"
Lines = Callable[[], list[dict[str, Any]]]

# Seed 002 §7.3, and trace and correlation id (contract.md).
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["timestamp", "level", "service", "tenantId", "action", "result"],
    "properties": {
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "level": {"enum": ["INFO", "WARN", "ERROR"]},
        "service": {"enum": ["ingest", "disparo", "agendamento", "prism"]},
        "tenantId": {"type": "string", "minLength": 1},
        "leadId": {"type": "string"},
        "traceId": {"type": "string"},
        "correlationId": {"type": "string"},
        "action": {"type": "string", "minLength": 1},
        "result": {"enum": ["success", "failure"]},
        "duration": {"type": "number"},
        "error": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message"],
            "properties": {"message": {"type": "string"}, "stack": {"type": "string"}},
        },
        "metadata": {"type": "object"},
    },
}


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the root logger writes, as it would be written by any process."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


def fail(error: Exception) -> None:
    raise error


def only(lines: Lines) -> dict[str, Any]:
    (line,) = lines()
    jsonschema.validate(line, SCHEMA)
    return line


def test_a_line_carries_the_contracts_fields(lines: Lines) -> None:
    structlog.get_logger("prism.ingestion").info(
        "batch_planned",
        tenant="acme",
        lead_id="01a1fa2b-0072-7000-9639-155ba8cd4950",
        correlation_id="order-1",
        trace_id="trace-1",
        duration_ms=12.34567,
        metadata={"events": 3},
        worker=7,
    )
    line = only(lines)
    assert line.pop("timestamp")
    assert line == {
        "level": "INFO",
        "service": "ingest",
        "tenantId": "acme",
        "leadId": "01a1fa2b-0072-7000-9639-155ba8cd4950",
        "traceId": "trace-1",
        "correlationId": "order-1",
        "action": "batch_planned",
        "result": "success",
        "duration": 12.346,
        "metadata": {"worker": 7, "events": 3, "logger": "prism.ingestion"},
    }


@pytest.mark.parametrize(
    ("method", "level", "result"),
    [
        ("debug", "INFO", "success"),
        ("info", "INFO", "success"),
        ("warning", "WARN", "success"),
        ("error", "ERROR", "failure"),
    ],
)
def test_levels_and_results_are_the_contracts(lines: Lines, method: str, level: str, result: str) -> None:
    getattr(structlog.get_logger("prism.outbox"), method)("something")
    line = only(lines)
    assert (line["level"], line["result"], line["service"], line["tenantId"]) == (level, result, "disparo", "-")


def test_a_result_that_is_told_wins(lines: Lines) -> None:
    structlog.get_logger("prism.outbox").warning("retried", result="failure")
    assert only(lines)["result"] == "failure"


def test_an_exception_is_message_and_stack(lines: Lines) -> None:
    try:
        fail(LookupError("no such thing"))
    except LookupError:
        structlog.get_logger("prism.dispatching").exception("thread_died")
    error = only(lines)["error"]
    assert error["message"] == "LookupError: no such thing"
    assert error["stack"].startswith("Traceback")
    assert "test_logs.py" in error["stack"]


def test_what_is_bound_to_the_request_stands_in_every_line(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(tenantId="acme", correlationId="c-1", traceId=None)
    structlog.get_logger("prism.dispatching").info("dispatches_replayed")
    line = only(lines)
    assert (line["tenantId"], line["correlationId"]) == ("acme", "c-1")
    assert "traceId" not in line


def test_what_the_line_itself_says_wins(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(tenantId="acme", correlationId="c-1")
    structlog.get_logger("prism.dispatching").info("sent", tenant="beta", correlation_id="order-7")
    line = only(lines)
    assert (line["tenantId"], line["correlationId"]) == ("beta", "order-7")


@pytest.mark.parametrize("name", ["django.request", "_granian.serve", "django-q", "py.warnings"])
def test_libraries_lines_go_the_same_way(lines: Lines, name: str) -> None:
    logging.getLogger(name).warning("Something about %s", "maria@example.com")
    line = only(lines)
    assert line["action"] == name
    assert line["metadata"]["message"] == "Something about [personal]"


def test_a_librarys_error_has_an_error_field(lines: Lines) -> None:
    logging.getLogger("django.request").error("Internal Server Error: /x")
    assert only(lines)["error"] == {"message": "Internal Server Error: /x"}


PERSONAL = [
    "maria.silva+1@example.com.br",
    "+5511999999999",
    "+55 11 99999-9999",
    "(11) 99999-9999",
    "11 99999-9999",
    "5511999999999",
    "123.456.789-09",
    "12345678909",
    "12.345.678/0001-90",
    "12.ABC.345/01DE-35",
    "12345678000190",
]
SECRET = [
    "postgres://prism_owner:hunter22@db:5432/prism",
    "Authorization: Bearer hunter22hunter22",
    "api_key=hunter22&x=1",
    '{"password": "hunter22"}',
    "prism_0123456789ab_hunter22",
]


@pytest.mark.parametrize("text", [*PERSONAL, *SECRET])
def test_nothing_personal_and_no_secret_is_written_wherever_it_stands(lines: Lines, text: str) -> None:
    log = structlog.get_logger("prism.providers")
    log.info("in_a_field", note=f"it was {text}, then", metadata={"deep": [{"er": text}]}, lead_id=text)
    log.warning("as_error", error=f"refused {text}")
    try:
        fail(ValueError(text))
    except ValueError:
        log.exception("as_exception")
    logging.getLogger("urllib3").warning("retry %s", text)
    written = json.dumps(lines(), ensure_ascii=False).replace('\\"', '"')
    # The stack quotes the source line that raised, which holds a name only.
    assert "hunter22" not in written
    assert text in SECRET or text not in written
    assert "postgres" not in text or "prism_owner:[secret]@db" in written


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "auth_token",
        "access_key",
        "Authorization",
        "cookie",
        "tax_identification",
        "phone_number",
        "to",
        "body",
    ],
)
def test_some_fields_are_never_written_whatever_they_hold(lines: Lines, key: str) -> None:
    structlog.get_logger("prism.providers").info("sent", metadata={key: "João", "inner": {key: ["João"]}})
    assert "João" not in json.dumps(lines(), ensure_ascii=False)


def test_rows_that_postgresql_repeats_are_cut(lines: Lines) -> None:
    message = (
        "null value violates\nDETAIL:  Failing row contains (1, João\nda Silva, Rua X).\n"
        "HINT:  look\nCONTEXT:  COPY x, line 1: João"
    )
    structlog.get_logger("prism.dispatching").error("recording_failed", error=message)
    assert only(lines)["error"]["message"] == "null value violates\nDETAIL: …\nHINT:  look\nCONTEXT: …"


@pytest.mark.parametrize(
    "text",
    [
        "01a1fa2b-0072-7000-9639-155ba8cd4950",
        "01a1fa2b-0072-7000-9639-123456789012",
        "offset 4294967 of campaign_triggers[3]",
        "2026-11-20T18:22:24.421Z",
        "127.0.0.1:5432",
        "worker 12",
        "R$ 50.000,00",
    ],
)
def test_ids_times_and_numbers_stay_readable(lines: Lines, text: str) -> None:
    structlog.get_logger("prism.ingestion").info("seen", note=text)
    assert only(lines)["metadata"]["note"] == text


def test_a_line_is_bounded_and_always_json(lines: Lines) -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"in": deep}
    structlog.get_logger("prism.ingestion").info(
        "odd", deep=deep, long="x" * 10_000, many=list(range(1000)), thing=object(), raw=b"\xff", nan=float("nan")
    )
    line = only(lines)
    assert len(json.dumps(line)) < 5_000


def test_readable_lines_are_redacted_too() -> None:
    formatter = LineFormatter(readable=True)
    record = logging.LogRecord("django", logging.ERROR, "", 1, "lost %s", ("maria@example.com",), None)
    text = formatter.format(record)
    assert "lost [personal]" in text
    assert not text.startswith("{")


def test_the_web_servers_master_writes_the_same_lines() -> None:
    script = (
        "import json, logging; from granian.log import configure_logging, LogLevels;"
        f"configure_logging(LogLevels.info, json.load(open({str(LOG_CONFIG)!r})));"
        "logging.getLogger('_granian').info('Starting granian')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    jsonschema.validate(line, SCHEMA)
    assert line["metadata"]["message"] == "Starting granian"
