"""A connection whose client does not finish a request is closed in time; one that makes progress never is."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import h11
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from openvideos_emulator._http import uvicorn_protocol
from openvideos_emulator._http.uvicorn_protocol import UvicornProtocol
from openvideos_emulator._model.waiting import SECONDS, Missing, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HEAD, BODY = SECONDS[Missing.HEAD], SECONDS[Missing.BODY]
HALF = b"POST /v1/videos HTTP/1.1\r\nHost: local"
POST = b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /v1/videos HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Timer:
    def __init__(self, timers: list[Timer], at: float, call: Callable[[], object]) -> None:
        self.timers, self.at, self.call = timers, at, call
        timers.append(self)

    def cancel(self) -> None:
        if self in self.timers:
            self.timers.remove(self)


class Task:
    def add_done_callback(self, _: object) -> None:
        """Never end."""


class Loop:
    """An event loop whose time is moved by hand, and whose tasks run at once, or never."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.runs_tasks = True

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], object]) -> Timer:
        return Timer(self.timers, self.now + delay, call)

    def create_task(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        if self.runs_tasks:
            with pytest.raises(StopIteration):
                coroutine.send(None)
        coroutine.close()
        return Task()

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [each for each in self.timers if each.at <= end]:
            timer = min(due, key=lambda each: each.at)
            self.timers.remove(timer)
            self.now = timer.at
            timer.call()
        self.now = end


class Transport:
    """The client's end of a connection."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False
        self.protocol: UvicornProtocol | None = None

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 8000) if name == "sockname" else None

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            assert self.protocol is not None
            self.protocol.connection_lost(None)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    @property
    def refusal(self) -> tuple[int, str]:
        """Return the status and the code of the response."""
        head, _, body = self.sent.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)["error"]["code"]


class Server:
    """A server that answers at once, but for uploads, which it never answers."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.state = ServerState()
        self.config = uvicorn.Config(self.respond, http=UvicornProtocol, interface="asgi3", ws="none", log_config=None)

    async def respond(self, _: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    def connect(self) -> tuple[UvicornProtocol, Transport]:
        loop: Any = self.loop
        protocol, transport = UvicornProtocol(self.config, self.state, {}, loop), Transport()
        transport.protocol = protocol
        stream: Any = transport
        protocol.connection_made(stream)
        return protocol, transport

    def upload(self, rest: bytes = b"") -> tuple[UvicornProtocol, Transport]:
        """Connect, and send the head of an upload, with the rest of it."""
        self.loop.runs_tasks = False
        protocol, transport = self.connect()
        protocol.data_received(POST + b"Content-Length: 1000000\r\n" + (rest or b"\r\n"))
        self.loop.runs_tasks = True
        return protocol, transport


@pytest.fixture
def server() -> Server:
    """Give a server without connections."""
    return Server()


class TestHeads:
    def test_a_client_that_sends_nothing_gets_nothing(self, server: Server) -> None:
        _, transport = server.connect()
        server.loop.advance(HEAD - 1)
        assert not transport.closed
        server.loop.advance(2)
        assert (True, b"") == (transport.closed, transport.sent)

    def test_half_a_head_is_answered_in_the_end_however_slowly_it_comes(self, server: Server) -> None:
        protocol, transport = server.connect()
        for _ in range(int(HEAD)):
            assert not transport.closed
            protocol.data_received(HALF[:1] if protocol._is_fresh else b"X")
            server.loop.advance(1)
        server.loop.advance(1)
        assert transport.closed
        assert (408, "request_timeout") == transport.refusal

    def test_a_connection_that_is_kept_waits_for_its_next_head_as_long(self, server: Server) -> None:
        protocol, transport = server.connect()
        protocol.data_received(GET)
        assert transport.sent.startswith(b"HTTP/1.1 200")
        server.loop.advance(2)
        transport.sent = b""
        protocol.data_received(HALF)
        server.loop.advance(HEAD - 1)
        assert not transport.closed
        server.loop.advance(2)
        assert (408, "request_timeout") == transport.refusal

    def test_an_idle_connection_is_closed_without_a_word_as_ever(self, server: Server) -> None:
        protocol, transport = server.connect()
        protocol.data_received(GET)
        transport.sent = b""
        server.loop.advance(server.config.timeout_keep_alive + 1)
        assert (True, b"") == (transport.closed, transport.sent)

    def test_what_ended_leaves_nothing_behind(self, server: Server) -> None:
        for _ in range(3):
            protocol, transport = server.connect()
            protocol.data_received(GET)
            transport.close()
        server.loop.advance(2)
        assert [] == server.loop.timers

    def test_thousands_are_closed_in_parts(self, server: Server) -> None:
        transports = [server.connect()[1] for _ in range(1000)]
        server.loop.advance(HEAD)
        assert 0 < sum(each.closed for each in transports) < 500
        server.loop.advance(5)
        assert all(each.closed for each in transports)


class TestBodies:
    def test_an_upload_that_makes_progress_is_never_cut(self, server: Server) -> None:
        protocol, transport = server.upload()
        for _ in range(20):
            server.loop.advance(BODY - 1)
            protocol.data_received(b"x")
        assert not transport.closed
        server.loop.advance(BODY + 1)
        assert (408, "request_timeout") == transport.refusal
        assert protocol.cycle.disconnected

    def test_a_client_that_waits_for_the_server_is_not_cut(self, server: Server) -> None:
        _, transport = server.upload(b"Expect: 100-continue\r\n\r\n")
        server.loop.advance(BODY * 5)
        assert not transport.closed
        paused, other = server.upload(b"\r\n" + b"x" * 100_000)  # more than is read ahead of the app
        assert paused.flow.read_paused
        server.loop.advance(BODY * 5)
        assert not other.closed
        paused.flow.resume_reading()
        server.loop.advance(BODY + 1)
        assert other.closed

    def test_a_body_that_has_come_is_waited_for_no_more(self, server: Server) -> None:
        protocol, transport = server.upload()
        protocol.data_received(b"x" * 1_000_000)
        assert h11.DONE is protocol.conn.their_state
        server.loop.advance(BODY * 5)
        assert not transport.closed


class TestNumber:
    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uvicorn_protocol, "_most_connections", lambda: 3)

    def test_of_too_many_the_head_that_has_waited_longest_gives_way(self, server: Server) -> None:
        _, upload = server.upload()
        transports = [server.connect()[1] for _ in range(5)]
        assert not upload.closed
        assert [True, True, True, False, False] == [each.closed for each in transports]

    def test_where_none_waits_for_a_head_the_new_one_gives_way(self, server: Server) -> None:
        uploads = [server.upload() for _ in range(3)]
        assert server.connect()[1].closed
        assert not any(transport.closed for _, transport in uploads)

    def test_a_client_that_does_not_read_gives_way_once_it_is_the_one_that_has_waited_longest(
        self, server: Server
    ) -> None:
        protocol, download = server.connect()
        protocol.data_received(GET)
        protocol.pause_writing()
        server.loop.advance(1)
        reading, other = server.connect()
        reading.data_received(GET)
        reading.pause_writing()
        reading.resume_writing()
        first, second, third = (server.connect()[1] for _ in range(3))
        assert [True, False] == [download.closed, other.closed]
        assert [True, False, False] == [each.closed for each in (first, second, third)]

    def test_the_system_is_asked_once_however_many_connections_there_are(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        monkeypatch.setattr(uvicorn_protocol, "_allow_files", lambda: asked.append(1))
        for _ in range(3):
            server.connect()
        assert [1] == asked


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("limit", "most", "allowed", "connections"),
    [(256, 1024, 1024, 384), (256, 9999, 8192, 3968), (256, -1, 8192, 3968), (9000, 9999, 9000, 3968)],
)
def test_each_connection_may_have_a_file_to_send(
    monkeypatch: pytest.MonkeyPatch, limit: int, most: int, allowed: int, connections: int
) -> None:
    import resource

    most = resource.RLIM_INFINITY if most < 0 else most
    limits = [(limit, most)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.append(new))
    uvicorn_protocol._allow_files()
    assert (allowed, most) == limits[-1]
    changes = len(limits)
    assert connections == uvicorn_protocol._most_connections()
    assert changes == len(limits)


class TestTls:
    HELLO = bytes.fromhex("16030100c8010000c40303")

    def test_a_client_that_speaks_tls_is_told_so(self, server: Server, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        for _ in range(3):
            protocol, transport = server.connect()
            protocol.data_received(self.HELLO)
            assert (True, bytes.fromhex("15030100020246")) == (transport.closed, transport.sent)
        (line,) = caplog.messages
        assert "a client spoke TLS (https://), which this server does not; use http://127.0.0.1:8000" == line
        server.loop.advance(60)
        server.connect()[0].data_received(self.HELLO[:1])
        assert 2 == len(caplog.messages)

    def test_in_a_body_such_a_byte_is_a_byte(self, server: Server, caplog: pytest.LogCaptureFixture) -> None:
        protocol, transport = server.upload()
        protocol.data_received(self.HELLO)
        assert ([], False) == (caplog.messages, transport.closed)


STEPS = st.lists(
    st.tuples(st.floats(0, 40), st.integers(0, 4), st.sampled_from([*Missing, None]), st.booleans()), max_size=40
)


@given(STEPS)
def test_a_connection_is_overdue_when_its_time_is_over(steps: list[tuple[float, int, Missing | None, bool]]) -> None:
    waiting: Waiting[int] = Waiting()
    model: dict[int, tuple[Missing, float]] = {}
    now = 0.0
    for pause, connection, part, looks in steps:
        now += pause
        if looks:
            late = {each: part for each, (part, since) in model.items() if now - since >= SECONDS[part]}
            assert late == dict(waiting.overdue(now))
            model = {each: value for each, value in model.items() if each not in late}
        if part is None:
            model.pop(connection, None)
        elif part is Missing.BODY or model.get(connection, (None, 0))[0] is not part:
            model[connection] = (part, now)
        waiting.note(connection, part, now)
        assert len(model) == len(waiting)
    heads = [each for each, (part, _) in sorted(model.items(), key=lambda item: item[1][1]) if part is Missing.HEAD]
    oldest = waiting.oldest_head()
    assert [model[each][1] for each in heads[:1]] == [since for _, since in oldest]
    assert [since for _, since in oldest] == [model[each][1] for each, _ in oldest]
