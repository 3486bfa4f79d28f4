"""Webhooks reach a receiver that verifies them with the SDK, whatever becomes of the receiver, and of the emulator."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos import OpenVideos, VideoCompleted, VideoFailed
from openvideos_emulator import create_app, main
from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._model import webhook_events
from openvideos_emulator._model.jobs import Recipe
from openvideos_emulator._webhooks import dispatcher as dispatcher_module
from openvideos_emulator._webhooks.dispatcher import Dispatcher
from openvideos_emulator._webhooks.endpoint import Endpoint

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from tests.emulator.conftest import Clock, Run, Server

    from openvideos_emulator._model.webhook_events import Event

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SMALL = {"size": "64x48", "seconds": "1"}
RECIPE = Recipe(prompt="A cat", model="sora-2", size="64x48", seconds=1)
PATIENCE = 30.0
Response = int | bytes
"""A status, or all the bytes of a response."""


class Receiver:
    """A receiver of webhooks on a loopback port, which verifies what it gets and responds as planned.

    It is bound from the beginning, so that nobody else takes its port, and listens once it is started.
    """

    def __init__(self, *, started: bool = True) -> None:
        self.response: Callable[[str], Response] = lambda _video_id: 200
        self.taken: list[tuple[str, str, str]] = []  # event id, type, video id
        self._news = threading.Condition()
        self._sdk = OpenVideos(base_url="http://127.0.0.1:1/v1", api_key="k", webhook_secret=SECRET)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks?token=hidden"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        if started:
            self.start()

    def start(self) -> None:
        self._server.server_activate()
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._sdk.close()

    def take(self, headers: dict[str, str], body: bytes) -> Response:
        event = self._sdk.webhooks.unwrap(body, headers)
        parsed = json.loads(body)
        assert isinstance(event, VideoCompleted | VideoFailed)
        assert event.type_ == parsed["type"]
        assert parsed["id"] == headers["webhook-id"]
        video_id = parsed["data"]["id"]
        with self._news:
            self.taken.append((parsed["id"], parsed["type"], video_id))
            self._news.notify_all()
        return self.response(video_id)

    def wait(self, count: int) -> list[tuple[str, str, str]]:
        """Wait until so many deliveries have come."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.taken) >= count, PATIENCE), self.taken
            return list(self.taken)

    def wait_for_videos(self, ids: set[str]) -> list[tuple[str, str, str]]:
        """Wait until each of these videos has been told of."""
        with self._news:
            assert self._news.wait_for(lambda: ids <= {each[2] for each in self.taken}, PATIENCE), (ids, self.taken)
            return list(self.taken)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # of 32 deliveries at once, a queue of five would drop some, which come much later

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.receiver = receiver
        self.server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the emulator may break an attempt off."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            assert isinstance(self.server, _Server)
            response = self.server.receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
        except Exception:  # noqa: BLE001 - the test sees that nothing was taken
            response = 400
        if isinstance(response, bytes):
            self.close_connection = True
            self.wfile.write(response)
            return
        self.send_response(response)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is true that another thread or process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def events(server: Server) -> list[dict[str, Any]]:
    """Read the events in the emulator's state."""
    listed: list[dict[str, Any]] = server.request("GET", f"{CONTROL}/state").json()["events"]
    return listed


@contextlib.contextmanager
def dispatching(
    url: str, clock: Clock, *, timeout: float = 15.0, database: Path | None = None
) -> Generator[tuple[Engine, Dispatcher]]:
    """Run an engine and a dispatcher, with time by hand for the schedule."""
    engine = Engine(database=database, clock=clock, has_events=True)
    dispatcher = Dispatcher(engine.outbox, Endpoint(url, SECRET), now=engine.now, timeout=timeout)
    dispatcher.start()
    try:
        yield engine, dispatcher
    finally:
        dispatcher.close()
        engine.close()


def happened(engine: Engine) -> list[Event]:
    return list(engine.outbox.walk(now=engine.now()))


@pytest.fixture
def clock(serve: type[Server]) -> Iterator[Clock]:
    with serve() as server:
        yield server.clock


class TestWhen:
    @pytest.mark.parametrize(("prompt", "expected"), [("A cat", "video.completed"), ("[fail:odd]", "video.failed")])
    def test_at_the_pace_instant_at_once(
        self, serve: type[Server], receiver: Receiver, prompt: str, expected: str
    ) -> None:
        with serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
            video = server.create(prompt)
            [(event_id, kind, video_id)] = receiver.wait(1)
            assert (expected, video["id"]) == (kind, video_id)
            eventually(lambda: events(server)[0]["delivery"] == "delivered")
            [event] = events(server)
            assert {
                "id": event_id,
                "type": expected,
                "created_at": int(server.clock.now),
                "video_id": video_id,
                "delivery": "delivered",
                "attempts": 1,
                "attempted_at": server.clock.now,
                "next_attempt_at": None,
                "status": 200,
                "problem": None,
                "history": [{"at": server.clock.now, "status": 200, "problem": None}],
            } == event
            told = server.ok("GET", f"{CONTROL}/events")
            assert ([event], False) == (told["events"], told["has_more"])
            assert receiver.url.replace("token=hidden", "***") == told["url"]
            server.request("DELETE", f"{CONTROL}/webhook")
            assert server.ok("GET", f"{CONTROL}/events")["url"] is None

    def test_by_the_clock_when_nobody_reads(self, serve: type[Server], receiver: Receiver) -> None:
        with serve(pace="seconds:10", webhook_url=receiver.url, webhook_secret=SECRET) as server:
            id_ = server.create()["id"]
            server.clock.advance(9.9)
            server.app._engine.outbox.wake()
            assert [] == events(server)
            server.clock.advance(0.2)
            assert [("video.completed", id_)] == [each[1:] for each in receiver.wait(1)]

    def test_by_polls_when_the_last_is_counted(self, serve: type[Server], receiver: Receiver) -> None:
        with serve(pace="polls:2", webhook_url=receiver.url, webhook_secret=SECRET) as server:
            id_, other = server.create()["id"], server.create()["id"]
            server.ok("GET", f"videos/{id_}")
            assert [] == events(server)
            server.ok("GET", "videos", params={"order": "asc", "limit": 1})
            assert [("video.completed", id_)] == [each[1:] for each in receiver.wait(1)]
            server.ok("GET", f"videos/{other}")
            server.ok("GET", f"videos/{other}")
            assert {id_, other} == {each[2] for each in receiver.wait(2)}

    def test_by_hand_and_as_the_hand_says(self, serve: type[Server], receiver: Receiver) -> None:
        with serve(pace="manual", webhook_url=receiver.url, webhook_secret=SECRET) as server:
            one, other = server.create()["id"], server.create("[fail]")["id"]
            server.ok("POST", f"{CONTROL}/advance", json={"to": "failed", "jobs": [one]})
            server.ok("POST", f"{CONTROL}/advance", json={"to": "completed"})
            assert [("video.failed", one), ("video.completed", other)] == sorted(
                (each[1:] for each in receiver.wait(2)), reverse=True
            )

    def test_a_clock_moved_by_hand_makes_them_due(self, serve: type[Server], receiver: Receiver) -> None:
        with serve(pace="seconds:3600", webhook_url=receiver.url, webhook_secret=SECRET) as server:
            id_ = server.create()["id"]
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 3600})
            assert [("video.completed", id_)] == [each[1:] for each in receiver.wait(1)]

    def test_a_reset_forgets_them(self, serve: type[Server], receiver: Receiver) -> None:
        receiver.response = lambda _: 500
        with serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
            server.create()
            receiver.wait(1)
            assert [] == server.ok("POST", f"{CONTROL}/reset")["events"]
            server.clock.advance(100)
            receiver.response = lambda _: 200
            id_ = server.create()["id"]
            assert id_ == receiver.wait(2)[1][2]
            eventually(lambda: events(server)[0]["delivery"] == "delivered")
            assert 2 == len(receiver.taken)

    @pytest.mark.parametrize("pace", ["instant", "seconds:0.2", "polls:1", "manual"])
    def test_promptly(
        self, serve: type[Server], receiver: Receiver, monkeypatch: pytest.MonkeyPatch, pace: str
    ) -> None:
        """Nothing is left to the look around that the dispatcher takes now and then, also beyond what runs at once."""
        monkeypatch.setattr(webhook_events, "_LONGEST_WAIT", 3600.0)
        with serve(pace=pace, clock=time.time, webhook_url=receiver.url, webhook_secret=SECRET) as server:
            for _ in range(70):
                server.create()
            server.ok("GET", "videos", params={"limit": 100})
            if pace == "manual":
                server.ok("POST", f"{CONTROL}/advance")
            receiver.wait(70)
            eventually(lambda: {"delivered"} == {event["delivery"] for event in events(server)})
            server.create("[slow:3600]")
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 3600})
            receiver.wait(71)
            receiver.response = lambda _: 200 if len(receiver.taken) > 72 else 500
            server.create("[slow:3600]")
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 3600})
            receiver.wait(73)  # by itself, after half a second


class TestRetries:
    def test_each_refusal_is_repeated_under_the_same_id_until_it_is_given_up(
        self, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        receiver.response = lambda _: 500
        with dispatching(receiver.url, clock) as (engine, dispatcher):
            engine.create(RECIPE)
            for attempt in range(1, 13):

                def is_recorded(number: int = attempt) -> bool:
                    return happened(engine)[0].attempts == number

                eventually(is_recorded)
                clock.advance(60)
                dispatcher.wake()
            [event] = happened(engine)
            assert ("given_up", 12, 500) == (event.delivery.value, event.attempts, event.status)
            assert [(clock.now - 60 * left, 500, None) for left in range(12, 0, -1)] == list(event.history)
        assert 1 == len(set(receiver.taken))
        assert 12 == len(receiver.taken)
        about = f"the event {event.id} (video.completed of {event.video_id})"
        assert [
            ("WARNING", f"{about} is not delivered: the status of the response was 500; attempt 1 of 12"),
            ("ERROR", f"{about} is given up after 12 attempts: the status of the response was 500"),
        ] == [(each.levelname, each.getMessage()) for each in caplog.records if each.levelno > logging.INFO]

    @pytest.mark.parametrize(
        ("response", "delivery", "status"),
        [
            (204, "delivered", 204),
            (410, "given_up", 410),
            (b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "pending", 302),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "delivered", 200),
            (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone", "delivered", 200),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz", "delivered", 200),
            (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 300_000 + b"\r\n\r\n", "pending", None),
            (b"HTTP/1.1 \x1b[31m\r\n\r\n", "pending", None),
            (b"", "pending", None),
        ],
    )
    def test_what_an_response_means(
        self, receiver: Receiver, clock: Clock, response: Response, delivery: str, status: int | None
    ) -> None:
        receiver.response = lambda _: response
        with dispatching(receiver.url, clock) as (engine, _):
            engine.create(RECIPE)
            eventually(lambda: happened(engine)[0].attempts == 1)
            [event] = happened(engine)
        assert (delivery, status) == (event.delivery.value, event.status)
        assert (event.problem is None) == (status is not None)
        assert event.problem is None or event.problem.isprintable()
        assert 1 == len(receiver.taken)

    @pytest.mark.parametrize(
        ("header", "pause"), [("20", 20), ("9" * 5000, 60), ("0", 0.5), ("-5", 0.5), ("\u00b2", 0.5), ("soon", 0.5)]
    )
    def test_the_receiver_may_ask_for_a_longer_pause(
        self, receiver: Receiver, clock: Clock, header: str, pause: float
    ) -> None:
        head = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n"
        receiver.response = lambda _: head.encode("latin-1")
        with dispatching(receiver.url, clock) as (engine, _):
            engine.create(RECIPE)
            eventually(lambda: happened(engine)[0].attempts == 1)
            assert clock.now + pause == happened(engine)[0].next_at

    def test_a_clock_moved_by_hand_brings_the_next_attempt_forward(
        self, serve: type[Server], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webhook_events, "_LONGEST_WAIT", 3600.0)
        receiver.response = lambda _: b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
        with serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
            server.create()
            eventually(lambda: events(server)[0]["attempts"] == 1)
            receiver.response = lambda _: 200
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 60})
            eventually(lambda: events(server)[0]["delivery"] == "delivered")

    @pytest.mark.full
    def test_a_receiver_that_was_down_gets_all_once_it_is_up(self, run: Run, tmp_path: Path) -> None:
        receiver = Receiver(started=False)
        arguments = ("--webhook-url", receiver.url, "--webhook-secret", SECRET, "--pace", "instant")
        with (
            contextlib.closing(receiver),
            run(*arguments, cwd=tmp_path) as (process, base_url),
            httpx.Client(base_url=base_url, trust_env=False) as client,
        ):
            ids = {client.post("/videos", json={"prompt": "A cat", **SMALL}).json()["id"] for _ in range(3)}

            def state() -> list[dict[str, Any]]:
                listed: list[dict[str, Any]] = client.get("/../_emulator/state").json()["events"]
                return listed

            eventually(lambda: all(event["attempts"] for event in state()))
            assert all("ConnectError" in event["problem"] for event in state())
            receiver.start()
            receiver.wait_for_videos(ids)
            eventually(lambda: {"delivered"} == {event["delivery"] for event in state()})
            assert all(event["attempts"] >= 2 for event in state())
            process.terminate()
            _, said = process.communicate(timeout=10)
        assert "is not delivered: ConnectError" in said
        assert SECRET.removeprefix("whsec_") not in said
        assert "hidden" not in said


class TestBadReceivers:
    def test_one_that_hangs_over_some_jobs_holds_up_neither_the_others_nor_the_api(
        self, serve: type[Server], receiver: Receiver
    ) -> None:
        release, hanging = threading.Event(), set[str]()

        def response(video_id: str) -> int:
            if video_id in hanging:
                release.wait(PATIENCE)
            return 200

        receiver.response = response
        with serve(pace="manual", webhook_url=receiver.url, webhook_secret=SECRET) as server:
            ids = [server.create()["id"] for _ in range(20)]
            hanging.update(ids[:10])
            server.ok("POST", f"{CONTROL}/advance", json={"jobs": ids[:10]})
            receiver.wait_for_videos(hanging)
            server.ok("POST", f"{CONTROL}/advance")
            receiver.wait_for_videos(set(ids))

            def delivered() -> set[str]:
                return {event["video_id"] for event in events(server) if event["delivery"] == "delivered"}

            eventually(lambda: set(ids[10:]) == delivered())
            release.set()
            eventually(lambda: set(ids) == delivered())
        assert 20 == len(receiver.taken)

    @pytest.mark.parametrize(
        ("first", "more"),
        [(b"", b""), (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")],
        ids=["nothing", "headers", "interim answers"],
    )
    def test_an_attempt_has_a_deadline_also_while_pieces_come(self, clock: Clock, first: bytes, more: bytes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            broken_off = threading.Event()

            def trickle() -> None:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(1 << 16)
                    connection.sendall(first)
                    while more:
                        connection.sendall(more)
                        time.sleep(0.02)
                    while connection.recv(1 << 16):
                        pass
                broken_off.set()

            threading.Thread(target=trickle, daemon=True).start()
            with dispatching(f"http://127.0.0.1:{listener.getsockname()[1]}", clock, timeout=0.3) as (engine, _):
                engine.create(RECIPE)
                eventually(lambda: happened(engine)[0].attempts == 1)
                assert "no response within 0.3 seconds" == happened(engine)[0].problem
                assert broken_off.wait(PATIENCE)

    def test_an_response_is_read_before_the_connection_is_closed(self, clock: Clock) -> None:
        """A receiver that is still sending would see a reset connection, and complain."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            end: list[bytes] = []

            def respond() -> None:
                connection, _ = listener.accept()
                with connection:
                    request = b""
                    while not request.endswith(b"}}"):
                        request += connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n")
                    for _ in range(4):
                        time.sleep(0.02)
                        connection.sendall(b"x" * 10_000)
                    end.append(connection.recv(1))

            thread = threading.Thread(target=respond, daemon=True)
            thread.start()
            with dispatching(f"http://127.0.0.1:{listener.getsockname()[1]}", clock) as (engine, _):
                engine.create(RECIPE)
                thread.join(PATIENCE)
            assert [b""] == end

    def test_a_body_without_end_is_not_read_to_its_end(self, clock: Clock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sent = 0
            broken_off = threading.Event()

            def flood() -> None:
                nonlocal sent
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
                    while sent < 1 << 30:
                        sent += connection.send(b"x" * (1 << 16))
                broken_off.set()

            threading.Thread(target=flood, daemon=True).start()
            with dispatching(f"http://127.0.0.1:{listener.getsockname()[1]}", clock) as (engine, _):
                engine.create(RECIPE)
                eventually(lambda: happened(engine)[0].delivery.value == "delivered")
                assert broken_off.wait(PATIENCE)
            assert sent < 64 << 20  # what the kernel holds between the two

    def test_no_attempt_is_repeated_while_its_outcome_cannot_be_stored(
        self, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        failures = 5

        with dispatching(receiver.url, clock) as (engine, dispatcher):
            record = engine.outbox.record

            def fail(event: Event) -> None:
                nonlocal failures
                dispatcher.wake()
                if failures:
                    failures -= 1
                    raise sqlite3.OperationalError("database or disk is full")
                record(event)

            monkeypatch.setattr("openvideos_emulator._webhooks.dispatcher._STORE_AGAIN_SECONDS", 0.01)
            monkeypatch.setattr(engine.outbox, "record", fail)
            engine.create(RECIPE)
            eventually(lambda: happened(engine)[0].delivery.value == "delivered")
        assert 1 == len(receiver.taken)
        assert 1 == caplog.text.count("cannot be stored")

    def test_it_goes_on_when_the_events_could_not_be_read(
        self, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with dispatching(receiver.url, clock) as (engine, dispatcher):
            due, failures = engine.outbox.due, [1]

            def fail(*, now: float, limit: int) -> list[Event]:
                if failures:
                    failures.pop()
                    raise sqlite3.OperationalError("disk I/O error")
                return due(now=now, limit=limit)

            monkeypatch.setattr(engine.outbox, "due", fail)
            dispatcher.wake()
            eventually(lambda: not failures)
            engine.create(RECIPE)
            receiver.wait(1)
        assert "the events cannot be read (disk I/O error)" in caplog.text

    def test_closing_breaks_an_attempt_off_and_it_is_made_again(
        self, receiver: Receiver, clock: Clock, tmp_path: Path
    ) -> None:
        release = threading.Event()
        receiver.response = lambda _: 200 if release.wait(PATIENCE) else 500
        with dispatching(receiver.url, clock, database=tmp_path / "jobs.db") as (engine, dispatcher):
            engine.create(RECIPE)
            receiver.wait(1)
            dispatcher.close()
            assert not dispatcher._thread.is_alive()
            assert 0 == happened(engine)[0].attempts
        release.set()
        with dispatching(receiver.url, clock, database=tmp_path / "jobs.db") as (engine, _):
            eventually(lambda: happened(engine)[0].delivery.value == "delivered")
        assert 1 == len(set(receiver.taken))
        assert 2 == len(receiver.taken)


# Each makes the process kill itself where it calls something for the Nth time.
BOMB = """
import os, signal
from openvideos_emulator._webhooks import dispatcher as dispatcher_module
from openvideos_emulator._webhooks.dispatcher import Dispatcher
from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._storage.event_outbox import Outbox
def kill_at(owner, name, nth, *, before=True):
    whole, calls = getattr(owner, name), []
    def call(*arguments, **options):
        calls.append(name)
        if before and len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*arguments, **options)
        if not before and len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, call)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pace", "bomb"),
    [
        pytest.param("seconds:0.3", "kill_at(Outbox, 'plan', 5)", marks=pytest.mark.full),
        pytest.param("polls:1", "kill_at(Outbox, 'plan', 6)", marks=pytest.mark.full),  # in the transaction of a read
        pytest.param("polls:1", "kill_at(Outbox, 'plan', 6, before=False)", marks=pytest.mark.full),
        pytest.param("seconds:0.3", "kill_at(Engine, 'create', 5, before=False)", marks=pytest.mark.full),
        ("instant", "kill_at(Outbox, 'record', 3)"),  # the receiver has taken it, and nobody knows
        pytest.param("polls:1", "kill_at(Outbox, 'record', 3, before=False)", marks=pytest.mark.full),
    ],
)
def test_a_kill_loses_no_event(run: Run, tmp_path: Path, receiver: Receiver, pace: str, bomb: str) -> None:
    arguments = ("--webhook-url", receiver.url, "--webhook-secret", SECRET, "--pace", pace, "--db", "jobs.db")
    with (
        run(*arguments, cwd=tmp_path, after=BOMB + bomb) as (process, base_url),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        with contextlib.suppress(httpx.TransportError):
            for _ in range(8):
                client.post("/videos", json={"prompt": "A cat", **SMALL})
                client.get("/videos")
        assert -9 == process.wait(10)
    with (
        run(*arguments, cwd=tmp_path) as (_, base_url),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        ids = {video["id"] for video in client.get("/videos").json()["data"]}
        assert ids
        taken = receiver.wait_for_videos(ids)
    assert ids == {video_id for _, _, video_id in taken}
    assert len(ids) == len(set(taken))  # each has one event, also where that was delivered twice


class TestOptions:
    @pytest.mark.parametrize(
        ("url", "secret", "words"),
        [
            ("http://127.0.0.1:9/", None, "webhooks are signed; make one with: python -c"),
            (None, SECRET, "no webhook URL; give both, or neither"),
            ("", SECRET, "must be http:// or https://"),
            ("127.0.0.1:9", SECRET, "must be http:// or https://"),
            ("ftp://host/", SECRET, "must be http:// or https://"),
            ("http://", SECRET, "must be http:// or https://"),
            ("http:///path", SECRET, "must be http:// or https://"),
            ("http://host:0/", SECRET, "must be http:// or https://"),
            ("http://host:99999/", SECRET, "must be http:// or https://"),
            ("http://ho st/", SECRET, "must be http:// or https://"),
            ("http://host/\r\nx: y", SECRET, "must be http:// or https://"),
            ("http://[::1/", SECRET, "must be http:// or https://"),
            ("http://\ud800/", SECRET, "must be http:// or https://"),
            ("http://user:pass@host/", SECRET, "user name or a password"),
            ("http://host/", "", "whsec_ and the base64 of 24 to 64 bytes; make one with"),
            ("http://host/", "hunter2", "whsec_ and the base64"),
            ("http://host/", SECRET.removeprefix("whsec_"), "whsec_ and the base64"),
            ("http://host/", "whsec_", "whsec_ and the base64"),
            ("http://host/", "whsec_dGVzdA==", "whsec_ and the base64"),  # 4 bytes
            ("http://host/", "whsec_" + "A" * 88, "whsec_ and the base64"),  # 66 bytes
            ("http://host/", f"{SECRET[:-1]}-", "whsec_ and the base64"),  # the URL's alphabet: the library skips it
            ("http://host/", f"{SECRET} ", "whsec_ and the base64"),
            ("http://host/", f"{SECRET[:-1]}\u00e9", "whsec_ and the base64"),
            ("http://host/", f"{SECRET}x", "whsec_ and the base64"),  # no length of base64
        ],
    )
    def test_what_cannot_work_is_refused_at_the_start(
        self, url: str | None, secret: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            create_app(webhook_url=url, webhook_secret=secret)
        said = [str(caught.value)]
        # No command line holds a surrogate, and the command makes a secret where there is none.
        if "\ud800" not in (url or "") and secret:
            arguments = ["--port", "0", "--db", str(tmp_path / "jobs.db")]
            arguments += [] if url is None else ["--webhook-url", url]
            arguments += ["--webhook-secret", secret]
            assert 2 == main(arguments)
            captured = capsys.readouterr()
            assert "" == captured.out
            assert f"openvideos-emulator: {said[0]}\n" == captured.err
        assert [] == list(tmp_path.iterdir())
        for text in said:
            assert "pass@" not in text
            assert not secret or "whsec_" == secret or secret not in text

    @pytest.mark.parametrize(
        "secret", ["", "hunter2", "whsec_" + "hunter2" * 99, ["whsec_hunter2"], {"whsec_hunter2": 1}, None, 1]
    )
    def test_no_refusal_while_it_runs_reports_the_secret(self, serve: type[Server], secret: object) -> None:
        with serve() as server:
            body = {"url": "http://127.0.0.1:9/", "secret": secret}
            error = server.refused(400, "PUT", f"{CONTROL}/webhook", json=body)
            assert "whsec_ and the base64 of 24 to 64 bytes" in error["message"]
            assert "hunter2" not in error["message"]

    def test_another_receiver_gets_what_the_one_before_did_not_take(
        self, serve: type[Server], receiver: Receiver
    ) -> None:
        release = threading.Event()
        receiver.response = lambda _: 200 if release.wait(PATIENCE) else 500
        with contextlib.closing(Receiver()) as other, serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
            server.create()
            taken = receiver.wait(1)
            server.ok("PUT", f"{CONTROL}/webhook", json={"url": other.url, "secret": SECRET})
            assert taken == other.wait(1)
            release.set()
            eventually(lambda: events(server)[0]["delivery"] == "delivered")
            server.ok("DELETE", f"{CONTROL}/webhook")
            server.create()
            assert 1 == len(events(server))

    def test_the_message_shows_how_to_make_a_secret(self) -> None:
        with pytest.raises(ValueError, match="make one with") as caught:
            create_app(webhook_url="http://host/", webhook_secret=None)
        match = re.search(r'python -c "(.+)"$', str(caught.value))
        assert match is not None
        done = subprocess.run([sys.executable, "-c", match[1]], capture_output=True, text=True, check=True)
        assert Endpoint("http://host/", done.stdout.strip())

    @pytest.mark.parametrize("secret", [SECRET, "whsec_" + "A" * 86 + "==", "whsec_" + "A" * 86, "whsec_" + "A" * 32])
    def test_secrets_of_all_lengths_are_taken_with_padding_or_without(self, secret: str) -> None:
        assert SECRET not in repr(Endpoint("https://host:8443/a?b=c", secret))

    def test_without_a_url_there_are_no_events_and_no_thread(self, serve: type[Server]) -> None:
        with serve() as server:
            server.create()
            assert [] == events(server)
            database = server.app._engine._database
            assert (0,) == database.connection.execute("SELECT count(*) FROM events").fetchone()
            assert "webhooks" not in {thread.name for thread in threading.enumerate()}

    def test_no_state_log_or_repr_reports_the_secret(
        self, serve: type[Server], receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        receiver.response = lambda _: 500
        with serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
            server.create()
            eventually(lambda: events(server)[0]["attempts"] == 1)
            shown = [
                server.request("GET", f"{CONTROL}/state").text,
                repr(vars(server.app)),
                repr(vars(server.app._dispatcher)),
            ]
        for text in (*shown, caplog.text):
            assert SECRET.removeprefix("whsec_") not in text
            assert "hidden" not in text


def test_a_reset_stops_the_deliveries_under_way(serve: type[Server], receiver: Receiver) -> None:
    """More are due than run at once: those that run are broken off, and no other begins."""
    release, slots = threading.Event(), dispatcher_module._SLOTS
    receiver.response = lambda _: 500 if release.wait(4 * PATIENCE) else 501
    with serve(webhook_url=receiver.url, webhook_secret=SECRET) as server:
        dispatcher = server.app._dispatcher
        assert dispatcher is not None
        dispatcher._timeout = 20 * PATIENCE
        for _ in range(slots + 5):
            server.create()
        assert slots == len(receiver.wait(slots))
        server.ok("POST", f"{CONTROL}/reset")
        receiver.response = lambda _: 200
        new = server.create()["id"]
        receiver.wait_for_videos({new})
        release.set()
        eventually(lambda: not dispatcher._busy)
        assert [new] == [video_id for _, _, video_id in receiver.taken[slots:]]
        assert [(new, "delivered")] == [(each["video_id"], each["delivery"]) for each in events(server)]


@pytest.mark.full
def test_the_command_delivers_what_nobody_reads(run: Run, tmp_path: Path, receiver: Receiver) -> None:
    arguments = ("--webhook-url", receiver.url, "--webhook-secret", SECRET, "--pace", "seconds:0.4")
    with (
        run(*arguments, cwd=tmp_path) as (process, base_url),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        began = time.time()
        made = [client.post("/videos", json={"prompt": p, **SMALL}).json()["id"] for p in ("A cat", "[fail]")]
        taken = receiver.wait(2)
        assert time.time() - began >= 0.4
        assert dict(zip(made, ("video.completed", "video.failed"), strict=True)) == {v: kind for _, kind, v in taken}
        process.terminate()
        _, said = process.communicate(timeout=10)
        assert "Traceback" not in said
        assert "the event" not in said
    assert 0 == process.returncode
