"""JSON log lines with the fields of contract.md; no personal data, no secrets. Libraries' lines go the same way.

Imported by the settings, and by granian's master process before there are any: nothing of Django in here.
"""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

from prism.log_lines import extra_of, line_of

_SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
)
_encoder = msgspec.json.Encoder(enc_hook=str)


def logging_config(*, level: str, readable: bool) -> None:
    """Called once by the settings. `readable`: for a person at a terminal, with the same redaction."""
    logging.config.dictConfig(dict_config(level=level, readable=readable))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(capture=True)


def dict_config(*, level: str, readable: bool) -> dict[str, Any]:
    through_root: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "prism.logs.LineFormatter", "readable": readable}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # They come with handlers of their own.
            **{name: {**through_root, "level": level} for name in ("_granian", "granian.access", "django-q")},
            **dict.fromkeys(("django", "django.server", "django.request"), through_root),
            # Names of users and addresses, with every wrong password.
            "django.security": {**through_root, "level": "WARNING"},
            **{name: {"level": "WARNING"} for name in ("urllib3", "asyncio", "psycopg")},
        },
    }


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """One line per record, ours or a library's."""

    def __init__(self, *, readable: bool = False) -> None:
        super().__init__(
            foreign_pre_chain=[*_SHARED],
            processors=[extra_of, line_of, _readable if readable else _json],
        )


def _json(_logger: Any, _method: str, line: EventDict) -> str:
    return _encoder.encode(line).decode()


def _readable(logger: Any, method: str, line: EventDict) -> str:
    error = dict(line.get("error") or {})
    stack = error.pop("stack", "")
    shown = {
        "timestamp": str(line["timestamp"])[11:23],
        "level": str(line["level"]).lower(),
        "event": line["action"],
        **{key: value for key, value in line.items() if key in ("tenantId", "leadId", "correlationId", "duration")},
        **{key: value for key, value in line["metadata"].items() if key != "logger"},
        **({"error": error["message"]} if "message" in error else {}),
    }
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())(logger, method, shown)
    return f"{text}\n{stack.rstrip()}" if stack else str(text)
