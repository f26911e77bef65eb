"""`python -m prism.embedded start|stop|status|env|restart|run|clean`: the embedded services from the command line."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from prism.embedded import EmbeddedError, Services, ensure, hold, restart, services, stop
from prism.embedded.records import load


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def start(arguments: argparse.Namespace) -> int:
    found = ensure(arguments.root, say)
    services.keep(arguments.root)
    say("Both services answer. They stay up until: python -m prism.embedded stop")
    _print_exports(found)
    return 0


def stop_both(arguments: argparse.Namespace) -> int:
    stop(arguments.root, say)
    return 0


def restart_one(arguments: argparse.Namespace) -> int:
    restart(arguments.root, arguments.name, say, kill=arguments.kill)
    return 0


def show_environment(arguments: argparse.Namespace) -> int:
    if not all(services.status(arguments.root).values() or [None]):
        raise EmbeddedError("The services are not running: python -m prism.embedded start")
    _print_exports(ensure(arguments.root, say))
    return 0


def show_status(arguments: argparse.Namespace) -> int:
    found = services.status(arguments.root)
    for name in ("postgres", "kafka"):
        process = found.get(name)
        record = load(arguments.root / f"{name}.json")
        print(f"{name}: running, pid {process.pid}, port {record.ports['main']}" if process else f"{name}: stopped")
    return 0 if found and all(found.values()) else 1


def run_command(arguments: argparse.Namespace) -> int:
    """One command with the services up and Prism's variables set: for checks and one-off management commands."""
    with hold(arguments.root, say) as found:
        made_up = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "FERNET_KEYS")}
        environment = {**made_up, "PRISM_ENV": "development", **os.environ, **found.environment()}
        return subprocess.run(arguments.command, env=environment, check=False).returncode


def clean(arguments: argparse.Namespace) -> int:
    """Stops the services of every root beside this one and below, and removes their data, wherever these are kept."""
    place = arguments.root.parent
    roots = {record.parent for depth in ("*", "*/*") for record in place.glob(f"{depth}/postgres.json")}
    for root in sorted(roots):
        stop(root, say)
        if outside := load(root / "postgres.json").outside:
            shutil.rmtree(outside, ignore_errors=True)
        shutil.rmtree(root)
    return 0


def _print_exports(found: Services) -> None:
    for name, value in found.environment().items():
        print(f"export {name}={shlex.quote(value)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m prism.embedded", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=services.DEFAULT_ROOT, help="where they live (default: .local/services)"
    )
    commands = parser.add_subparsers(required=True)

    def command(name: str, action: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text)
        sub.add_argument("--root", type=Path, default=argparse.SUPPRESS)
        sub.set_defaults(action=action)
        return sub

    command("start", start, "start both and print their addresses as shell exports; they stay up")
    command("stop", stop_both, "stop both; their data stay")
    command("status", show_status, "say what runs; exit 1 unless both do")
    command("env", show_environment, "print the addresses as shell exports")
    restarting = command("restart", restart_one, "restart one of them")
    restarting.add_argument("name", choices=("postgres", "kafka"))
    restarting.add_argument("--kill", action="store_true", help="with kill -9, as an outage would")
    command("clean", clean, "stop all and remove their data")
    running = command("run", run_command, "run a command with the services up: run -- manage.py migrate")
    running.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    arguments.root = arguments.root.absolute()
    action: Callable[[argparse.Namespace], int] = arguments.action
    try:
        return action(arguments)
    except EmbeddedError as error:
        say(f"prism: {error}")
    except KeyboardInterrupt:
        say("Interrupted.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
