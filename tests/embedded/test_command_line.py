"""`python -m prism.embedded`, as a developer and the Makefile call it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from prism.embedded import services
from prism.embedded.records import load
from tests.clusters import Cluster, private_root

GIVEN = ("DATABASE_URL", "WEB_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a shell where no service is named."""
    bare = {name: value for name, value in os.environ.items() if name not in GIVEN}
    command = [sys.executable, "-m", "prism.embedded", *arguments]
    return subprocess.run(command, env=bare | environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def root(private_services: Cluster) -> Iterator[Path]:
    """Kept running whoever leaves last."""
    services.keep(private_services.root)
    yield private_services.root
    (private_services.root / "kept").unlink()


def test_the_addresses_can_be_taken_over_by_a_shell(root: Path) -> None:
    script = f'eval "$({sys.executable} -m prism.embedded env --root {root})"; printf %s "$DATABASE_URL"'
    url = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("prism_owner",)


def test_a_command_runs_with_everything_set_and_its_own_end(root: Path) -> None:
    script = 'echo "$PRISM_ENV ${DATABASE_URL%%:*} ${#SECRET_KEY} ${#FERNET_KEYS}"; exit 7'
    done = call("run", "--root", str(root), "--", "/bin/sh", "-c", script)
    assert (done.stdout, done.returncode) == ("test postgres 64 64\n", 7), done.stderr


def test_status_says_what_runs_and_fails_unless_both_do(root: Path, tmp_path: Path) -> None:
    running = call("status", "--root", str(root))
    assert (running.returncode, running.stdout.count("running, pid ")) == (0, 2)
    stopped = call("status", "--root", str(tmp_path / "none"))
    assert (stopped.returncode, stopped.stdout) == (1, "postgres: stopped\nkafka: stopped\n")


def test_wrong_use_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    cases = {
        ("start", "production"): "prism: PRISM_ENV is production: the embedded services are for development only.",
        ("env", "test"): "prism: The services are not running: python -m prism.embedded start",
    }
    for (command, environment), line in cases.items():
        done = call(command, "--root", str(tmp_path / "none"), PRISM_ENV=environment)
        assert done.returncode == 1
        assert done.stderr.startswith(line)
        assert done.stderr.count("\n") == 1


def test_clean_stops_what_runs_and_leaves_no_data() -> None:
    place = private_root()
    started = call("start", "--root", str(place / "services"))
    assert started.returncode == 0, started.stderr
    outside = load(place / "services" / "postgres.json").outside
    assert call("clean", "--root", str(place / "services")).returncode == 0
    assert services.status(place / "services") == {}
    assert not (place / "services").exists()
    assert not outside or not Path(outside).exists()
    place.rmdir()
