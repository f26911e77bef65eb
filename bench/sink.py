"""A vendor that costs little: answers every POST as a gateway does and counts what it accepted.

One epoll loop without a framework, because on a small machine the vendor shares the processors with what is measured.
`GET /accepted` tells the count. Prints its port on the first line.
"""

from __future__ import annotations

import argparse
import re
import select
import socket
import sys

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# One length for all answers, so that nothing is formatted but the number.
BODY = b'{"messageId":"bench-%012d","status":"sent"}'
ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY % 0) + BODY
TOLD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Sink:
    """Keep-alive HTTP/1.1 on 127.0.0.1; requests may come in pieces or several at once."""

    def __init__(self, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.accepted = 0
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.connections: dict[int, socket.socket] = {}
        self.pieces: dict[int, bytes] = {}

    def serve_forever(self) -> None:
        while True:
            for descriptor, _event in self.poll.poll():
                if descriptor == self.listener.fileno():
                    self._welcome()
                else:
                    self._serve(descriptor)

    def _welcome(self) -> None:
        connection, _address = self.listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections[connection.fileno()] = connection
        self.poll.register(connection, select.EPOLLIN)

    def _serve(self, descriptor: int) -> None:
        connection = self.connections[descriptor]
        try:
            received = connection.recv(262_144)
            if not received:
                raise ConnectionResetError
            answer, rest = self.answer(self.pieces.pop(descriptor, b"") + received)
            if rest:
                self.pieces[descriptor] = rest
            if answer:
                # Answers are far smaller than a socket's buffer, so a blocking send does not block.
                connection.sendall(answer)
        except OSError:
            self._forget(descriptor)

    def answer(self, received: bytes) -> tuple[bytes, bytes]:
        """The answers to every complete request in `received`, and what is left of an incomplete one."""
        answers = b""
        while (head := received.find(b"\r\n\r\n") + 4) > 3:
            length = LENGTH.search(received, 0, head)
            end = head + (int(length[1]) if length else 0)
            if len(received) < end:
                break
            if received.startswith(b"POST"):
                self.accepted += 1
                answers += ACCEPTED % self.accepted
            else:
                told = b'{"accepted":%d}' % self.accepted
                answers += TOLD % (len(told), told)
            received = received[end:]
        return answers, received

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()
        self.poll.close()
        self.listener.close()

    def _forget(self, descriptor: int) -> None:
        self.pieces.pop(descriptor, None)
        # Closing takes it out of the epoll set too.
        self.connections.pop(descriptor).close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    sink = Sink(parser.parse_args().port)
    sys.stdout.write(f"{sink.port}\n")
    sys.stdout.flush()
    sink.serve_forever()


if __name__ == "__main__":
    main()
