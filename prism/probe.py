"""`python -m prism.probe URL`: asks a process of its own machine how it is, for a container's health check.

Exit 0 where the answer is 200, else 1 with what was told. Standard library only: it runs every few seconds.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

SECONDS = 4


def ask(url: str) -> tuple[bool, str]:
    """(whether the answer was 200, what was told)."""
    parts = urlsplit(url)
    asked = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=SECONDS)
    try:
        asked.request("GET", parts.path or "/")
        answer = asked.getresponse()
        return answer.status == 200, answer.read(2000).decode(errors="replace").strip()
    except OSError as error:
        return False, f"{url} does not answer: {error}"
    finally:
        asked.close()


if __name__ == "__main__":
    healthy, told = ask(sys.argv[1])
    sys.stdout.write(f"{told}\n")
    sys.exit(not healthy)
