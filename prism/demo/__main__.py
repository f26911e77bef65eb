"""`make demo`: everything on this machine with a sample tenant, until Ctrl-C (`--once`: show, check, leave)."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism.demo.showing import Screen

INTERRUPTED = 130
_asked = threading.Event()
"""Somebody wants the demo to end."""


def main() -> int:
    """The exit code: 0 where all is as expected, 130 when interrupted before."""
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _demo(arguments)
    except (KeyboardInterrupt, SystemError):
        # A call into librdkafka that is interrupted ends with a SystemError.
        if not _asked.is_set():
            raise
        print("Interrupted: everything that was started is stopped.")
        return INTERRUPTED


def _demo(arguments: argparse.Namespace) -> int:
    # Here, where a Ctrl-C during the imports is an interruption like any other.
    from prism.demo import running
    from prism.demo.errors import DemoError
    from prism.demo.leftovers import only_one
    from prism.demo.showing import Screen
    from prism.embedded import EmbeddedError

    screen = Screen()
    begun = time.monotonic()
    try:
        running.make_places()
        with only_one(running.PLACE), contextlib.ExitStack() as stack:
            stack.callback(running.hand_over_files)
            try:
                return _run(stack, screen, arguments, begun)
            finally:
                _leave_in_peace()
    except (DemoError, EmbeddedError) as error:
        screen.console.print(str(error), style="red", markup=False)
        return 1
    except PermissionError as error:
        screen.console.print(f"{error}: run as the user it belongs to, or remove it.", style="red", markup=False)
        return 1


def _run(stack: contextlib.ExitStack, screen: Screen, arguments: argparse.Namespace, begun: float) -> int:
    from prism.demo import running

    up = running.start(stack, screen, reset=arguments.reset)
    screen.say(f"Up after {time.monotonic() - begun:.1f} s")
    different = running.rehearse(screen)
    screen.differences(different)
    screen.where(up)
    if arguments.once:
        return 1 if different else 0
    screen.console.print("Everything stays up until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="leave after the table; 0 where all is as expected")
    parser.add_argument("--reset", action="store_true", help="put changed sample campaigns back as they were")
    return parser.parse_args()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt


def _leave_in_peace() -> None:
    """A second Ctrl-C does not cut the stopping short: it is bounded by itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stay)


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN, which the processes started while stopping would inherit."""


if __name__ == "__main__":
    sys.exit(main())
