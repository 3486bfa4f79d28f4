"""Run flows in a world of its own: a scripted server, clocks that only effects move, and a record of what was asked.

A flow yields effects; the world carries them out as a driver does, but that a request costs virtual seconds and no
socket, and that a bound on steps turns a flow that never ends into a failure.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar

import httpcore
import httpx
from attrs import define, field, frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from openvideos import OpenVideosError
from openvideos._calls import Call, Extras
from openvideos._drivers.connection_errors import connection_error
from openvideos._drivers.sync import SyncDriver
from openvideos._drivers.transport import SyncTransport
from openvideos._errors import APIConnectionError
from openvideos._flows.effects import Effect, Emit, Flow, Gather, Send, Sleep
from openvideos._flows.retrying import Clocks, Retries
from openvideos._operations import create, retrieve
from openvideos._settings import Settings
from openvideos._types import omit
from openvideos_raw.models.video import Video

T = TypeVar("T")

settings.register_profile(
    "flows",
    max_examples=2 * settings().max_examples,  # no socket, no sleep: they are cheap
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "flows-repeatable",  # the same examples every time, so that a mutant's fate is no matter of luck
    parent=settings.get_profile("flows"),
    derandomize=True,
    database=None,
    max_examples=100,
    # Mutation testing runs the tests more than once in a process.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
FLOWS = settings.get_profile(os.environ.get("OPENVIDEOS_FLOWS_PROFILE", "flows"))

KEY = "sk-flow-0123456789"
BASE_URL = "http://server.test/v1"
SETTINGS = Settings(
    base_url=BASE_URL,
    api_key=KEY,
    timeout=60.0,
    max_retries=2,
    idempotent_posts=False,
    headers={},
    query={},
    webhook_secret=None,
)
START = 1_000.0
"""The monotonic clock's reading at the beginning; no flow may take it for a date."""
WALL = 1_700_000_000.0
CLIP: Final = b"\0\0\0\x14ftypmp42\0\0\0\0mp42\0\0\0\x08moov\0\0\x08\x08mdat" + bytes(range(256)) * 8
"""The boxes that an MP4 has, the last as long as it says."""

Outcome: TypeAlias = httpx.Response | Exception
"""What one request comes to: a response, or what httpx raises."""


@frozen
class Reply:
    """An outcome, and how many seconds it takes."""

    outcome: Outcome
    takes: float = 0.0


Server: TypeAlias = Callable[[Send], Reply | Outcome]


@frozen
class Sent:
    """One request as it was made: when, how long it might take, and what came of it."""

    call: Call[Any]
    within: float | None
    at: float
    outcome: httpx.Response | APIConnectionError

    @property
    def request(self) -> httpx.Request:
        """The request as it went out."""
        return request_of(self.call)


@define
class World:
    """The clocks, the server, and the record."""

    server: Server
    chance: float = 0.0
    """What the random numbers are, from 0 to 1."""
    most_steps: int = 20_000
    now: float = START
    wall: float = WALL
    sent: list[Sent] = field(factory=list[Sent])
    slept: list[float] = field(factory=list[float])
    effects: list[Effect] = field(factory=list[Effect])
    emitted: list[Any] = field(factory=list[Any])
    emitted_at: list[float] = field(factory=list[float])
    """How many seconds had gone by when each item was emitted."""
    handling: float = 0.0
    """How many seconds the caller takes for each item."""
    most_at_once: int = 0
    """How many flows of a Gather ran concurrently at most."""
    throw: tuple[int, BaseException] | None = None
    """At which effect, counted from 0, what is raised instead of its outcome."""
    late: bool = False
    """Whether that effect is carried out before."""
    early: float = 0.0
    """How much too early a sleep ends, as a coarse clock lets it."""
    driver: SyncDriver = field(factory=lambda: SyncDriver(SyncTransport()))

    @property
    def clocks(self) -> Clocks:
        """What the flow sees of time and chance."""
        return Clocks(monotonic=lambda: self.now, wall=lambda: self.wall, random=lambda: self.chance)

    @property
    def elapsed(self) -> float:
        """How many seconds have gone by."""
        return self.now - START

    def retries(self, limit: int = 2, *, idempotent_posts: bool = False) -> Retries:
        """Return the retry settings of a client that lives in this world."""
        return Retries(limit=limit, clocks=self.clocks, idempotent_posts=idempotent_posts)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = self._perform(effect)
                except BaseException as error:  # noqa: BLE001 - as the drivers do
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            flow.close()

    def _perform(self, effect: Effect) -> Any:
        self.effects.append(effect)
        assert len(self.effects) <= self.most_steps, "the flow does not end"
        if self.throw is not None and len(self.effects) - 1 == self.throw[0]:
            if self.late:
                self._carry_out(effect)
            raise self.throw[1]
        return self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> Any:
        match effect:
            case Send():
                outcome, takes = self._answer(effect)
                self.advance(takes)
                return outcome
            case Sleep(seconds):
                self._note_sleep(seconds)
                self.advance(max(0.0, seconds - self.early))
                return None
            case Emit(item):
                self.emitted.append(item)
                self.emitted_at.append(self.elapsed)
                self.advance(self.handling)
                return None
            case Gather():
                return self._gather(effect)
            case _:
                # Disk, callbacks and bodies: the blocking driver's own way.
                return self.driver.perform(effect)

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds
        self.wall += seconds

    def _note_sleep(self, seconds: float) -> None:
        assert 0 <= seconds < float("inf")
        self.slept.append(seconds)

    def _answer(self, send: Send) -> tuple[httpx.Response | APIConnectionError, float]:
        """Return what a request comes to, and after how long. No request takes longer than it is given."""
        reply = self.server(send)
        if not isinstance(reply, Reply):
            reply = Reply(reply)
        outcome, takes = reply.outcome, reply.takes
        if send.within is not None and takes > send.within:
            outcome, takes = httpx.ReadTimeout("too slow"), send.within
        result = translated(outcome, send.call) if isinstance(outcome, Exception) else outcome
        if isinstance(result, httpx.Response):
            result.request = request_of(send.call)
        self.sent.append(Sent(send.call, send.within, self.now, result))
        return result, takes

    def _gather(self, gather: Gather) -> list[Any]:
        """Run flows concurrently: whoever's outcome is due next goes on next."""
        assert gather.limit >= 1
        results: list[Any] = [None] * len(gather.flows)
        waiting = iter(enumerate(gather.flows))
        due: list[tuple[float, int, int, Flow[Any], Any]] = []
        order = count()

        def step(index: int, flow: Flow[Any], outcome: Any) -> bool:
            """Let a flow go on to its next effect, and tell whether it has one."""
            try:
                effect = flow.send(outcome)
            except StopIteration as stop:
                results[index] = stop.value
                return False
            except OpenVideosError as error:
                results[index] = error
                return False
            self.effects.append(effect)
            assert len(self.effects) <= self.most_steps, "the flows do not end"
            response, takes = None, 0.0
            if isinstance(effect, Send):
                response, takes = self._answer(effect)
            else:
                assert isinstance(effect, Sleep)
                self._note_sleep(effect.seconds)
                takes = effect.seconds
            heapq.heappush(due, (self.now + takes, next(order), index, flow, response))
            return True

        def begin() -> None:
            while len(due) < gather.limit:
                index, flow = next(waiting, (-1, None))
                if flow is None:
                    return
                step(index, flow, None)
                self.most_at_once = max(self.most_at_once, len(due))

        begin()
        while due:
            at, _, index, flow, response = heapq.heappop(due)
            self.advance(at - self.now)
            step(index, flow, response)
            begin()
        return results


def request_of(call: Call[Any]) -> httpx.Request:
    """Return the request that a call means, without its body."""
    return httpx.Request(call.method, call.url, headers=call.headers, params=call.query)


def translated(error: Exception, call: Call[Any]) -> APIConnectionError:
    """Return what the drivers make of httpx's exceptions."""
    if isinstance(error, NEVER_SENT) and error.__cause__ is None:
        error.__cause__ = getattr(httpcore, type(error).__name__)(str(error))
    result = connection_error(error, request_of(call), call.secrets)
    result.__cause__ = error
    return result


def scripted(*replies: Reply | Outcome) -> Server:
    """Return a server that gives its responses in order, the last one for ever."""
    left = list(replies)

    def server(send: Send) -> Reply | Outcome:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return copied(reply)

    return server


def copied(reply: Reply | Outcome) -> Reply | Outcome:
    """Return a fresh copy of a response, since a response is read once."""
    if isinstance(reply, Reply):
        outcome = copied(reply.outcome)
        assert not isinstance(outcome, Reply)
        return Reply(outcome, reply.takes)
    if isinstance(reply, httpx.Response):
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
    return reply


def video_json(status: str, video_id: str = "video_1", **more: Any) -> dict[str, Any]:
    """Return a video as servers send it."""
    return {
        "id": video_id,
        "object": "video",
        "created_at": 1_700_000_000,
        "model": "sora-2",
        "status": status,
        **more,
    }


def video_answer(
    status: str, video_id: str = "video_1", *, headers: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    """Return the response to a retrieve."""
    return httpx.Response(200, headers=headers, content=json.dumps(video_json(status, video_id, **more)).encode())


def refusal(status: int, headers: dict[str, str] | None = None) -> httpx.Response:
    """Return a response in the contract's error envelope."""
    body = {"error": {"message": "no", "type": "t", "param": None, "code": "c"}}
    return httpx.Response(status, headers=headers, content=json.dumps(body).encode())


def read_call(video_id: str = "video_1", settings: Settings = SETTINGS) -> Call[Video]:
    """Return the call of `videos.retrieve`."""
    return retrieve(settings, Extras(), video_id=video_id)


def create_call(settings: Settings = SETTINGS, headers: dict[str, str] | None = None) -> Call[Video]:
    """Return the call of `videos.create`: a job that costs money."""
    return create(
        settings, Extras(headers=headers), prompt="x", input_reference=omit, model=omit, seconds=omit, size=omit
    )


NEVER_SENT: tuple[type[httpx.HTTPError], ...] = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
"""What httpx raises before a byte of the request leaves."""
AMBIGUOUS: tuple[type[httpx.HTTPError], ...] = (
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.ProxyError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
)
"""What httpx raises when the server may have got the request."""
PERMANENT = (httpx.UnsupportedProtocol, httpx.TooManyRedirects)
"""What comes again however often a request is repeated."""

connection_errors = st.sampled_from([*NEVER_SENT, *AMBIGUOUS]).map(lambda kind: kind("it broke"))
STATUSES = (200, 201, 202, 204, 300, 304, *range(400, 406), 408, 409, 410, 413, 415, 416, 418, 422, 425, 429, 499)
statuses = st.sampled_from([*STATUSES, *range(500, 505), 520, 529, 599])
failing_statuses = statuses.filter(lambda status: status >= 300)
HTTP_DATES = ["Wed, 21 Oct 2015 07:28:00 GMT", "Tue, 14 Nov 2023 22:13:25 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"]
hint_texts = st.one_of(
    st.integers(-5, 200).map(str),
    st.floats(0, 100).map(lambda number: f"{number:.3f}"),
    st.sampled_from(["", " ", "soon", "-1", "1e3", "nan", "inf", "1_000", "1.5.2", "0x10", "99999999999", *HTTP_DATES]),
)
hint_headers = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": hint_texts,
        "retry-after-ms": st.one_of(st.integers(0, 100_000).map(str), hint_texts),
        "openai-poll-after-ms": st.one_of(st.integers(0, 100_000).map(str), hint_texts),
        "x-should-retry": st.sampled_from(["true", "false", "maybe"]),
    },
)
refusals = st.builds(refusal, failing_statuses, hint_headers)
durations = st.floats(0.25, 100)
"""How long a request takes: never nothing, or a server that asks to be polled every millisecond would be, for ever."""


def failures(outcomes: st.SearchStrategy[Any] = refusals | connection_errors) -> st.SearchStrategy[Reply]:
    """Return replies that bring no success."""
    return st.builds(Reply, outcomes, durations)


def thrown_anywhere(
    make: Callable[[tuple[int, BaseException] | None], tuple[World, Callable[[], Any]]],
) -> Iterator[tuple[World, BaseException]]:
    """Run something once in peace, then once for each of its effects with a Ctrl-C thrown in there.

    `make` builds a world with a `throw`, and what runs in it. Yields each world after a Ctrl-C, and what came out.
    """
    world, run = make(None)
    run()
    for position in range(len(world.effects)):
        interrupt = KeyboardInterrupt()
        broken, run = make((position, interrupt))
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - it is looked at
            yield broken, error
        else:
            raise AssertionError(f"the interrupt at {broken.effects[-1]} was swallowed")


class Pieces(httpx.SyncByteStream):
    """A body that comes in pieces, and may break off."""

    def __init__(self, pieces: Sequence[bytes], error: Exception | None = None) -> None:
        self.pieces, self.error = pieces, error
        self.closed = False

    def __iter__(self) -> Generator[bytes]:
        yield from self.pieces
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True
