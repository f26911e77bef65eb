"""The product's settings over made-up addresses: for mypy, which reads the models and connects to nothing."""

import os

MADE_UP = {
    "PRISM_ENV": "test",
    "SECRET_KEY": "read by the type checker only, and by nothing that runs",
    "FERNET_KEYS": "read by the type checker only and by nothing that runs",
    "DATABASE_URL": "postgres://prism_owner:x@127.0.0.1:1/prism",
    "WEB_DATABASE_URL": "postgres://prism_web:x@127.0.0.1:1/prism",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
}
os.environ.update(MADE_UP)

from prism.settings import *  # noqa: E402, F403 - the addresses have to be there first
