"""Start-up errors are one line that says what to set, and the list of settings is complete."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = ("audiences", "campaigns", "dispatching", "ingestion", "outbox", "prism", "providers", "templates", "tenants")

GOOD = {
    "PRISM_ENV": "production",
    "SECRET_KEY": "a0b1c2d3e4" * 6,
    "FERNET_KEYS": "k" * 32,
    "DATABASE_URL": "postgres://prism_owner:hunter22@127.0.0.1:1/prism",
    "WEB_DATABASE_URL": "postgres://prism_web:hunter22@127.0.0.1:1/prism",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "ALLOWED_HOSTS": "prism.example.com",
}
WEB = {"PRISM_PROCESS": "web"}

# What is changed in a good environment (None: taken out), and how the line begins that tells it.
WRONG: list[tuple[dict[str, str | None], str]] = [
    *(({name: missing}, f"{name}: is not set. ") for name in list(GOOD)[1:6] for missing in (None, "", "  ")),
    ({**WEB, "ALLOWED_HOSTS": None}, "ALLOWED_HOSTS: is not set. "),
    ({"PRISM_ENV": "prod"}, "PRISM_ENV: 'prod' is not known. "),
    ({"PRISM_PROCESS": "job"}, "PRISM_PROCESS: 'job' is not known. "),
    ({"SECRET_KEY": "short"}, "SECRET_KEY: is too short or not random. "),
    ({"SECRET_KEY": "x" * 60}, "SECRET_KEY: is too short or not random. "),
    ({"FERNET_KEYS": "k" * 32 + ",short"}, "FERNET_KEYS: holds a key under 32 characters. "),
    ({"DATABASE_URL": "mysql://u:hunter22@h/d"}, "DATABASE_URL: is not a PostgreSQL address. "),
    ({"DATABASE_URL": "postgres://u:hunter22@h:port/d"}, "DATABASE_URL: cannot be read. "),
    ({"DATABASE_URL": "postgres://h:1/d"}, "DATABASE_URL: names no user or no database. "),
    ({"WEB_DATABASE_URL": "postgres://u:hunter22@h:1"}, "WEB_DATABASE_URL: names no user or no database. "),
    ({"WEB_DATABASE_URL": GOOD["DATABASE_URL"]}, "WEB_DATABASE_URL: has the same user as DATABASE_URL. "),
    ({"KAFKA_BOOTSTRAP_SERVERS": "kafka"}, "KAFKA_BOOTSTRAP_SERVERS: 'kafka' is not host:port. "),
    ({"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:99999"}, "KAFKA_BOOTSTRAP_SERVERS: 'b:99999' is not host:port. "),
    ({"KAFKA_TRIGGERS_TOPIC": "my topic"}, "KAFKA_TRIGGERS_TOPIC: 'my topic' is no Kafka name. "),
    ({"KAFKA_DISPATCH_EVENTS_TOPIC": ".."}, "KAFKA_DISPATCH_EVENTS_TOPIC: '..' is no Kafka name. "),
    ({"KAFKA_CONSUMER_GROUP": "g" * 250}, "KAFKA_CONSUMER_GROUP: "),
    ({"KAFKA_TRIGGER_TOPIC_TENANTS": '{"a": 1}'}, "KAFKA_TRIGGER_TOPIC_TENANTS: holds a value that is no text. "),
    ({"KAFKA_EXTRA_CONFIG": "{"}, "KAFKA_EXTRA_CONFIG: is not valid JSON. "),
    ({"KAFKA_EXTRA_CONFIG": "[]"}, "KAFKA_EXTRA_CONFIG: is not a JSON object. "),
    ({"KAFKA_SESSION_TIMEOUT_MS": "soon"}, "KAFKA_SESSION_TIMEOUT_MS: 'soon' is not a whole number. "),
    ({"WORKER_DEAD_AFTER_SECONDS": "1"}, "WORKER_DEAD_AFTER_SECONDS: 1 is out of range. "),
    ({"TRIGGER_MAX_BYTES": "0"}, "TRIGGER_MAX_BYTES: 0 is out of range. "),
    ({"LEDGER_RETENTION_DAYS": "x"}, "LEDGER_RETENTION_DAYS: 'x' is not a whole number. "),
    ({"LEDGER_RETENTION_DAYS": "30"}, "LEDGER_RETENTION_DAYS: 30 is less than DISPATCH_RETENTION_DAYS (90). "),
    ({"DISPATCH_RETENTION_DAYS": "0"}, "DISPATCH_RETENTION_DAYS: 0 is out of range. "),
    ({"DEAD_LETTER_RETENTION_DAYS": "-1"}, "DEAD_LETTER_RETENTION_DAYS: -1 is out of range. "),
    ({"WEBHOOK_RETENTION_DAYS": "0"}, "WEBHOOK_RETENTION_DAYS: 0 is out of range. "),
    ({"WEBHOOK_MAX_BODY_BYTES": "1"}, "WEBHOOK_MAX_BODY_BYTES: 1 is out of range. "),
    ({"PUBLIC_URL": "prism.example.com"}, "PUBLIC_URL: 'prism.example.com' is not an address. "),
    ({"IDEMPOTENCY_KEY_HOURS": "0"}, "IDEMPOTENCY_KEY_HOURS: 0 is out of range. "),
    ({"DETACHED_PARTITIONS": "keep"}, "DETACHED_PARTITIONS: 'keep' is not known. "),
    ({"PROVIDER_ENV_ALLOW_LIST": "*"}, "PROVIDER_ENV_ALLOW_LIST: '*' is not understood. "),
    ({"OUTBOUND_ALLOW_PRIVATE": "maybe"}, "OUTBOUND_ALLOW_PRIVATE: 'maybe' is not a yes or a no. "),
    ({"OUTBOUND_MIN_TLS": "1.1"}, "OUTBOUND_MIN_TLS: '1.1' is not known. "),
    ({"METRICS_PORT": "99999"}, "METRICS_PORT: 99999 is out of range. "),
    ({"METRICS_ALLOWED_NETWORKS": "10.0.0.0/99"}, "METRICS_ALLOWED_NETWORKS: "),
    ({"CSRF_TRUSTED_ORIGINS": "prism.example.com"}, "CSRF_TRUSTED_ORIGINS: 'prism.example.com' is not an origin. "),
    ({"TRUSTED_PROXIES": "10.0.0.0/99"}, "TRUSTED_PROXIES: "),
    ({"LOGIN_FAILURE_LIMIT": "1"}, "LOGIN_FAILURE_LIMIT: 1 is out of range. "),
    ({"LOGIN_COOL_OFF_MINUTES": "0"}, "LOGIN_COOL_OFF_MINUTES: 0 is out of range. "),
    ({"SESSION_HOURS": "0"}, "SESSION_HOURS: 0 is out of range. "),
    ({"SESSION_IDLE_MINUTES": "1"}, "SESSION_IDLE_MINUTES: 1 is out of range. "),
    ({"BEHIND_TLS_PROXY": "2"}, "BEHIND_TLS_PROXY: '2' is not a yes or a no. "),
    ({"SECURE_SSL_REDIRECT": "2"}, "SECURE_SSL_REDIRECT: '2' is not a yes or a no. "),
    ({"SECURE_HSTS_SECONDS": "x"}, "SECURE_HSTS_SECONDS: 'x' is not a whole number. "),
    ({**WEB, "STATIC_ROOT": "/nowhere"}, "STATIC_ROOT: /nowhere holds no collected files. "),
    ({"API_REQUESTS_PER_MINUTE": "0"}, "API_REQUESTS_PER_MINUTE: 0 is out of range. "),
    ({"API_BAD_KEYS_PER_MINUTE": "x"}, "API_BAD_KEYS_PER_MINUTE: 'x' is not a whole number. "),
    ({"API_MAX_BODY_BYTES": "1"}, "API_MAX_BODY_BYTES: 1 is out of range. "),
    ({"API_DOCS_OPEN": "who"}, "API_DOCS_OPEN: 'who' is not a yes or a no. "),
    ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: is not a Redis address. "),
    ({"REDIS_URL": "redis://localhost:6379/0"}, "REDIS_URL: needs the redis package. "),
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: 'LOUD' is not known. "),
    ({"LOG_READABLE": "true"}, "LOG_READABLE: is for development. "),
]

# Reads the settings once per line of input, each time in an environment of its own.
READER = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
for line in sys.stdin:
    os.environ.clear()
    os.environ.update(json.loads(line))
    try:
        runpy.run_path("prism/settings.py")
        print(json.dumps(None))
    except ImproperlyConfigured as error:
        print(json.dumps(str(error)))
"""


def environment(changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not None}


def told_by(cases: list[dict[str, str | None]]) -> list[Any]:
    lines = "\n".join(json.dumps(environment(changes)) for changes in cases)
    done = subprocess.run(
        [sys.executable, "-c", READER], input=lines, capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_missing_or_malformed_variable_is_told_with_what_to_set() -> None:
    for (changes, beginning), told in zip(WRONG, told_by([changes for changes, _ in WRONG]), strict=True):
        assert told is not None, changes
        assert told.startswith(beginning), (changes, told)
        assert len(told) > len(beginning) + 5, told
        assert "\n" not in told
        assert "hunter22" not in told


def test_every_variable_with_rules_has_a_wrong_value_above() -> None:
    tried = {name for changes, _ in WRONG for name in changes}
    free = {"DEFAULT_TENANT", "METRICS_HOST", "METRICS_TOKEN"}
    assert set(read_by_settings()) - free == tried


def test_a_good_environment_is_taken() -> None:
    others: list[dict[str, str | None]] = [
        {},
        {"PRISM_ENV": "development", "SECRET_KEY": "short", "LOG_READABLE": "true", "ALLOWED_HOSTS": None},
        {"PROVIDER_ENV_ALLOW_LIST": "PRISM_*, BOT_TOKEN@api.telegram.org", "CSRF_TRUSTED_ORIGINS": "https://a.example"},
        {"KAFKA_BOOTSTRAP_SERVERS": "a:9092, b:9092", "METRICS_ALLOWED_NETWORKS": "10.0.0.0/8, ::1"},
        {"DATABASE_URL": "postgresql://o@/prism?host=/run/postgresql"},
    ]
    assert told_by(others) == [None] * len(others)


def test_a_command_ends_with_that_one_line() -> None:
    done = run("check", KAFKA_BOOTSTRAP_SERVERS="")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "prism: KAFKA_BOOTSTRAP_SERVERS: is not set. Set host:port[,host:port]\n"


def test_the_web_process_ends_with_that_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import prism.wsgi"],
        env={**path(), **environment({"ALLOWED_HOSTS": None})},
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"prism: ALLOWED_HOSTS: is not set\. [^\n]+\n", done.stderr)


def test_the_deployment_check_is_clean_with_production_variables() -> None:
    done = run("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(
        re.findall(
            r"^\| `([A-Z_]+)` \|(?: (?:`([^`]*)`[^|]*)?\|)?",
            (CHECKOUT / "docs" / "settings.md").read_text(),
            re.MULTILINE,
        )
    )
    read = read_by_settings()
    assert set(documented) == {*read, "PROMETHEUS_MULTIPROC_DIR"}
    for name, default in read.items():
        if default is not None and documented[name]:
            assert str(default).lower() == documented[name].lower(), name


def test_the_environment_is_read_nowhere_else() -> None:
    """Credentials of providers, whose names the configuration holds, and the library's own variable apart."""
    readers = {
        str(file.relative_to(CHECKOUT))
        for room in ROOMS
        for file in (CHECKOUT / room).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", file.read_text())
    }
    allowed = {"prism/environment.py", "prism/wsgi.py", "prism/metrics.py"}
    allowed |= {"providers/settings.py", "providers/variables.py"}
    outside = {one for one in readers if not one.startswith(("prism/demo/", "prism/embedded/"))}
    assert outside <= allowed, outside - allowed


def read_by_settings() -> dict[str, Any]:
    """Variable → default, where that is a plain value, of every reader that the settings call."""
    tree = ast.parse((CHECKOUT / "prism" / "settings.py").read_text())
    found: dict[str, Any] = {"PRISM_ENV": "production", "SECRET_KEY": None, "FERNET_KEYS": None}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr == "fail":
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "read" and node.args:
            name, *rest = node.args
            if not isinstance(name, ast.Constant):
                continue
            needed = node.func.attr in ("required", "servers", "database")
            plain = rest and isinstance(rest[0], ast.Constant) and not needed
            found[str(name.value)] = rest[0].value if plain and isinstance(rest[0], ast.Constant) else None
    return found


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    variables = {**path(), **environment(dict(changes))}
    return subprocess.run(command, env=variables, capture_output=True, text=True, cwd=CHECKOUT, check=False)


def path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}
