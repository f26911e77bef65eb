"""Real PostgreSQL 18 and real Apache Kafka on this machine, for the demo, development and tests; never production."""

from prism.embedded.errors import EmbeddedError
from prism.embedded.services import Services, ensure, hold, restart, stop
from prism.embedded.topics import ensure_topics

__all__ = ["EmbeddedError", "Services", "ensure", "ensure_topics", "hold", "restart", "stop"]
