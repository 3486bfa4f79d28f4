"""Serve the answers on loopback, as fast as Python can: what is measured is the client. Run as a process of its own.

It understands as much of HTTP as the clients send, and no more. Prints its port.

    GET  /N/videos             a page of a list of N jobs
    GET  /N/videos/ID          a job, which is completed; one that was created is so at its second poll
    GET  /N/videos/ID/content  N MiB
    POST /N/videos             a job that is queued
    GET  /statistics           what there was since the last time: requests, connections, and the most of them at once
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Final
from urllib.parse import parse_qsl

from . import answers
from .limits import raise_limits

PIECE: Final = bytes(1 << 18)
POLLS: Final = 2


class State:
    """What all connections share."""

    def __init__(self) -> None:
        """Begin with no job."""
        self.created = 0
        self.polls = Counter[str]()
        self.open = 0
        self.reset()

    def reset(self) -> None:
        """Count anew."""
        self.requests, self.connections, self.most = 0, self.open, self.open

    def statistics(self) -> bytes:
        """Return the counts, and begin anew."""
        counts = {"requests": self.requests, "connections": self.connections, "most": self.most}
        self.reset()
        return json.dumps(counts).encode()


class Connection(asyncio.Protocol):
    """One connection: requests in, answers out."""

    def __init__(self, state: State) -> None:
        """Share the state."""
        self.state = state
        self.received = bytearray()
        self.head = b""
        self.missing = 0
        """How much of a body is still to come; -1 while a chunked one is."""
        self.pieces = 0
        self.is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - tells type checkers
        self.transport = transport
        self.state.open += 1
        self.state.connections += 1
        self.state.most = max(self.state.most, self.state.open)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """Count the connection out."""
        self.state.open -= 1
        self.pieces = 0

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete; count a body's bytes without keeping them."""
        if self.missing > len(data):
            self.missing -= len(data)
            return
        self.received += data
        while self.received:
            if not self.head:
                end = self.received.find(b"\r\n\r\n")
                if end < 0:
                    return
                self.head = bytes(self.received[: end + 2])
                del self.received[: end + 4]
                self.missing = body_length(self.head)
            if self.missing < 0:
                if not self.received.endswith(b"0\r\n\r\n"):
                    del self.received[:-5]
                    return
                self.missing = len(self.received)
            if self.missing > len(self.received):
                self.missing -= len(self.received)
                self.received.clear()
                return
            del self.received[: self.missing]
            self.complete()

    def complete(self) -> None:
        """Answer the request."""
        head, self.head, self.missing = self.head, b"", 0
        method, target, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        self.answer(method, target)

    def answer(self, method: str, target: str) -> None:
        """Write the response to a request."""
        state = self.state
        if target == "/statistics":
            self.write(state.statistics())
            return
        state.requests += 1
        path, _, query = target.partition("?")
        _, number, _, id_, *rest = [*path.split("/"), "", ""]
        if method == "POST":
            state.created += 1
            self.write(answers.video(f"job_{state.created}", "queued"))
        elif not id_:
            given = dict(parse_qsl(query))
            self.write(answers.page_of(given, int(number)))
        elif rest[0] == "content":
            size = int(number) * answers.MEBIBYTE
            head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n"
            self.transport.write(head.encode())
            self.pieces = size // len(PIECE)
            self.resume_writing()
        elif id_.startswith("job_"):
            state.polls[id_] += 1
            is_done = state.polls[id_] >= POLLS
            self.write(answers.video(id_, "completed" if is_done else "in_progress"))
        else:
            self.write(answers.video(id_))

    def write(self, body: bytes) -> None:
        """Write a response."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)

    def pause_writing(self) -> None:
        """Wait until the client has read."""
        self.is_paused = True

    def resume_writing(self) -> None:
        """Write more of a content."""
        self.is_paused = False
        while self.pieces > 0 and not self.is_paused:
            self.pieces -= 1
            self.transport.write(PIECE)


def body_length(head: bytes) -> int:
    """Return how long the body of a request is; -1 if it is chunked."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-length":
                return int(value)
            case b"transfer-encoding":
                return -1
            case _:
                pass
    return 0


async def main() -> None:
    """Serve until the process ends."""
    raise_limits()
    state = State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
