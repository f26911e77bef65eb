"""Runs the programs under supervisord: its configuration, its start, what it says about them, its end."""

from __future__ import annotations

import os
import pwd
import secrets
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prism.demo.errors import DemoError
from prism.demo.programs import Program
from prism.embedded import ports
from prism.embedded.services import CHECKOUT

MARK = "PRISM_DEMO"
"""An environment variable that only processes of a demo carry: how a later run finds what an earlier one left."""
SETTLED_S = 1


class Supervisor:
    """One supervisord in a session of its own, so that Ctrl-C at the terminal reaches only the demo itself."""

    def __init__(self, place: Path, logs: Path, programs: Sequence[Program]) -> None:
        self._place = place
        self._logs = logs
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_urlsafe(16)
        self._port = ports.choose("the supervisor", 9901, (), lambda _line: None)

    def start(self, environment: dict[str, str]) -> None:
        path = self._place / "supervisord.conf"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self._configuration())
        with (self._logs / "supervisor.err").open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(path)],
                env={**environment, MARK: str(self._place)},
                cwd=self._place,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
            )

    def stop(self) -> None:
        """SIGTERM makes it stop its programs in order, each with its patience; returns when all are gone."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(sum(program.patience for program in self._programs) + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def states(self) -> dict[str, str]:
        """Program → what supervisord calls its state. Raises DemoError when supervisord itself is gone."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(f"The supervisor ended by itself. See {self._logs / 'supervisor.log'}.")
        try:
            with xmlrpc.client.ServerProxy(f"http://demo:{self._password}@127.0.0.1:{self._port}/RPC2") as server:
                infos: Any = server.supervisor.getAllProcessInfo()
        except OSError:
            return {}
        return {info["name"]: info["statename"] for info in infos}

    def wait_until_running(self, seconds: float) -> None:
        """Until every program has lived for a second. Raises DemoError for one that cannot."""
        deadline = time.monotonic() + seconds
        while True:
            states = self.states()
            if broken := sorted(name for name, state in states.items() if state in ("FATAL", "BACKOFF", "EXITED")):
                raise DemoError(self.explain(broken))
            if states and all(state == "RUNNING" for state in states.values()):
                return
            if time.monotonic() > deadline:
                raise DemoError(f"Not running after {seconds:.0f} s: {states}. Logs are in {self._logs}.")
            time.sleep(0.1)

    def explain(self, names: Sequence[str]) -> str:
        """The end of the log of each program that does not run."""
        return "\n".join(f"{name} does not run. The end of {self._log(name)}:\n{self._tail(name)}" for name in names)

    def _tail(self, name: str) -> str:
        path = self._log(name)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(f"  {line}" for line in lines[-12:]) or "  (empty)"

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _log_from_place(self, name: str) -> str:
        """Relative to where supervisord runs: it expands an absolute path twice, and stumbles over any % in it."""
        return os.path.relpath(self._log(name), self._place)

    def _configuration(self) -> str:
        groups = sorted({program.group for program in self._programs})
        sections = [self._supervisord(), *(self._section(program) for program in self._programs)]
        for group in groups:
            names = ",".join(program.name for program in self._programs if program.group == group)
            # Supervisord stops the group with the highest number first.
            sections.append(f"[group:{group}]\nprograms={names}\npriority={900 if group == 'doors' else 100}\n")
        return "\n".join(sections)

    def _supervisord(self) -> str:
        user = f"user={pwd.getpwuid(os.geteuid()).pw_name}\n" if os.geteuid() == 0 else ""
        return (
            f"[supervisord]\nlogfile={self._log_from_place('supervisor')}\nlogfile_maxbytes=5MB\nlogfile_backups=1\n"
            f"pidfile=supervisord.pid\nchildlogdir={os.path.relpath(self._logs, self._place)}\n{user}\n"
            f"[inet_http_server]\nport=127.0.0.1:{self._port}\nusername=demo\npassword={self._password}\n\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        )

    def _section(self, program: Program) -> str:
        environment = ",".join(f'{name}="{_literal(value)}"' for name, value in program.environment.items())
        return (
            f"[program:{program.name}]\ncommand={_literal(shlex.join(program.command))}\n"
            f"directory={_literal(CHECKOUT)}\nenvironment={environment}\n"
            f"redirect_stderr=true\nstdout_logfile={self._log_from_place(program.name)}\n"
            f"stdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1\nautorestart=true\nstartsecs={SETTLED_S}\n"
            # SIGTERM to the program alone (django-q2 hangs where its children get it too); SIGKILL to all of it.
            f"stopsignal=TERM\nstopwaitsecs={program.patience}\nstopasgroup=false\nkillasgroup=true\n"
        )


def _literal(value: object) -> str:
    """Supervisord reads % as the start of an expansion."""
    return str(value).replace("%", "%%")
