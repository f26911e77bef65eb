"""JSON log lines with the fields of contract.md; no personal data, no secrets."""

from __future__ import annotations

import logging.config
from typing import Any


def logging_config(*, level: str, readable: bool) -> None:
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
    }
    logging.config.dictConfig(config)
