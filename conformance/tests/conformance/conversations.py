"""A server on loopback that says on each connection what it was told to, whatever is right."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from itertools import count

Answer = bytes | Callable[[socket.socket], None]
"""The bytes of a response, or a function that sends them; after b"" the connection is closed without one."""


def says(body: str = "{}", status: str = "200 OK", *headers: str) -> bytes:
    """Return a response that leaves its connection open."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


@dataclass
class Conversations:
    """The base URL of the server, and each request that it got, with the number of the connection."""

    url: str
    requests: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    @property
    def connections(self) -> list[int]:
        """The number of the connection of each request."""
        return [number for number, _ in self.requests]


@contextlib.contextmanager
def serving(*scripts: Iterable[Answer], rest: Answer = says()) -> Generator[Conversations]:  # noqa: B008 - bytes
    """Answer the requests of each new connection by the next script, and then with `rest`; yield what was said."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = Conversations(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")

        def talk(connection: socket.socket, number: int) -> None:
            script = iter(scripts[number] if number < len(scripts) else ())
            with contextlib.suppress(OSError), connection:
                connection.settimeout(20)
                while request := _request(connection):
                    seen.requests.append((number, request))
                    answer = next(script, rest)
                    if callable(answer):
                        answer(connection)
                    elif not answer:
                        return
                    else:
                        connection.sendall(answer)

        def accept() -> None:
            for number in count():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=talk, args=(connection, number)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield seen
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    for thread in (accepting, *threads):
        thread.join(timeout=20)


def _request(connection: socket.socket) -> bytes:
    """Read one request; return nothing at the end of the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
