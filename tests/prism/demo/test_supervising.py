"""The supervisor with programs of a test's own: real processes, real signals."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from prism.demo import leftovers
from prism.demo.errors import DemoError
from prism.demo.programs import Program
from prism.demo.supervising import Supervisor

SLEEPER = "import time; time.sleep(600)"
# A parent that hands its signals to nobody, and a child that writes down a SIGTERM of its own.
FAMILY = """
import os, signal, subprocess, sys, time
child = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: open(sys.argv[1], 'w').close())"
child += "; time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", child, sys.argv[1]])
signal.signal(signal.SIGTERM, lambda *_: (process.kill(), process.wait(), sys.exit(0)))
time.sleep(600)
"""


def python(name: str, code: str, *arguments: str, group: str = "doors", patience: int = 5) -> Program:
    return Program(name, (sys.executable, "-c", code, *arguments), group=group, patience=patience)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []
    place = tmp_path / "with 100% of a name"
    (place / "logs").mkdir(parents=True)

    def supervise(*programs: Program) -> Supervisor:
        made.append(Supervisor(place, place / "logs", programs))
        made[-1].start(dict(os.environ))
        return made[-1]

    yield supervise
    for supervisor in made:
        supervisor.stop()
    assert leftovers.marked(place) == []


def test_programs_run_and_end_with_the_supervisor(make: Callable[..., Supervisor]) -> None:
    supervisor = make(python("one", SLEEPER), python("two", SLEEPER, group="outlets"))
    supervisor.wait_until_running(20)
    assert supervisor.states() == {"one": "RUNNING", "two": "RUNNING"}
    supervisor.stop()


def test_a_program_that_ends_at_once_is_named_with_the_end_of_its_log(make: Callable[..., Supervisor]) -> None:
    supervisor = make(python("good", SLEEPER), python("bad", "raise SystemExit('prism: DATABASE_URL: is not set')"))
    with pytest.raises(DemoError, match=r"bad does not run.*\n.*DATABASE_URL: is not set"):
        supervisor.wait_until_running(20)


def test_sigterm_goes_to_the_program_and_not_to_its_children(make: Callable[..., Supervisor], tmp_path: Path) -> None:
    told, family = tmp_path / "child was told", tmp_path / "family.py"
    family.write_text(FAMILY)
    supervisor = make(Program("family", (sys.executable, str(family), str(told)), patience=5))
    supervisor.wait_until_running(20)
    supervisor.stop()
    assert not told.exists()


def test_what_a_killed_demo_left_is_found_and_ended(make: Callable[..., Supervisor], tmp_path: Path) -> None:
    place = tmp_path / "with 100% of a name"
    supervisor = make(python("one", SLEEPER))
    supervisor.wait_until_running(20)
    left = leftovers.marked(place)
    assert len(left) == 2
    parent = next(process for process in left if "supervisord" in " ".join(process.cmdline()))
    parent.kill()
    said: list[str] = []
    deadline = time.monotonic() + 10
    while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    leftovers.end_leftovers(place, said.append)
    assert len(said) == 1
    assert leftovers.marked(place) == []


def test_only_one_demo_runs_in_a_checkout(tmp_path: Path) -> None:
    with leftovers.only_one(tmp_path), pytest.raises(DemoError, match="running already"), leftovers.only_one(tmp_path):
        pass
    with leftovers.only_one(tmp_path):
        pass
