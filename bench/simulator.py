"""The vendor that every transport is measured against: the sandbox, without a log. Prints its addresses. Its
argument is the certificate that its mail server shows.

Anything sent to it is taken; how it answers is the dialect's (providers/sandbox/dialects).
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from providers.sandbox.ledger import Ledger
from providers.sandbox.server import Server
from providers.sandbox.vendor import Vendor


def main() -> None:
    vendor = Vendor(Ledger(None), idempotent=False, clock=time.time)
    server = Server(vendor, host="127.0.0.1", port=0, mail_port=0, mail_certificate=Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    sys.stdout.write(f"http://127.0.0.1:{server.port} smtp://127.0.0.1:{server.mail_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
