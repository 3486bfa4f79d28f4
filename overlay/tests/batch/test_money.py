"""No row is billed twice and no job is lost, whatever breaks and whenever: on servers with keys, or with a list.

The rows are driven by `placing` and carried out by the runner and the ledger, as in a run. In place of the engine
there is a recorder, which forgets what it should: a process dies before an effect, or after it and before its record.
In place of the server there is a model of one, with a clock that only sleeps move.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvideos import Video
from openvideos._batch import ledger as states
from openvideos._batch.ledger import Batch, Ledger
from openvideos._batch.pacing import Pace
from openvideos._batch.placing import Blind, Busy, Placed, Refused, Sleep, placing
from openvideos._batch.records import decoded
from openvideos._batch.rows import Row
from openvideos._batch.runner import Runner

SETTLE = 60.0
MOST_STEPS = 3000
FATES = ("arrives", "is lost", "answer is lost", "busy")
"""What becomes of a create."""


@define
class ModelServer:
    """A server of videos, with the interface of `Server`."""

    honours: bool
    list_kind: str
    lag: float
    """How many seconds after its create a job appears in the list."""
    fates: Any
    now: float = field(factory=time.time)
    jobs: list[Video] = field(factory=list)
    by_key: dict[str, str] = field(factory=dict)

    async def create(self, sent: dict[str, Any], key: str) -> Placed | Refused | Busy | str:
        fate = next(self.fates, "arrives")
        if fate == "busy":
            return Busy(1.0)
        if sent["prompt"] == "bad" and fate != "is lost":
            return Refused("invalid_value", "It is bad.", always=True) if fate == "arrives" else "lost"
        if fate == "is lost":
            return "lost"
        if not (self.honours and key in self.by_key):
            made: dict[str, Any] = {
                "id": f"video_{len(self.jobs)}",
                "object": "video",
                "status": "queued",
                "model": "m",
            }
            made |= {
                "created_at": int(self.now),
                "prompt": sent["prompt"],
                "size": "1x1",
                "seconds": "4",
                "progress": 0,
            }
            self.jobs.append(Video.from_dict(made))
            self.by_key[key] = made["id"]
            if not self.honours:
                return Placed(made["id"]) if fate == "arrives" else "lost"
        return Placed(self.by_key[key]) if fate == "arrives" else "lost"

    async def jobs_since(self, at: float) -> list[Video] | Blind:
        if self.list_kind == "none":
            return Blind("there is no list")
        if self.list_kind == "empty":
            return []
        shown = [video for video in self.jobs if self.now - video.created_at >= self.lag]
        return [video for video in shown if video.created_at >= at - 5]


class Calm(Pace):
    """A pace that nothing slows down: it would wait in real time."""

    def busy(self, now: float, seconds: float) -> None:
        """Go on."""


@define
class World:
    """Rows that are made step by step, by processes that die."""

    runner: Runner
    server: ModelServer
    draw: Any
    loop: asyncio.Runner
    recorded: dict[str, list[Any]] = field(factory=dict)
    ended: dict[str, Any] = field(factory=dict)
    wakes: dict[str, float] = field(factory=dict)

    def run(self, names: list[str], deaths: int) -> None:
        flows: dict[str, Any] = {}
        for _ in range(MOST_STEPS):
            open_ = [name for name in names if name not in self.ended]
            if not open_:
                return
            ready = [name for name in open_ if self.wakes.get(name, 0.0) <= self.server.now]
            if not ready:
                self.server.now = min(self.wakes[name] for name in open_)
                continue
            name = self.draw(st.sampled_from(ready))
            if name not in flows:
                flows[name] = self._begun_again(name)
                if name in self.ended:
                    continue
            flow, effect = flows[name]
            death = self.draw(st.sampled_from(("before", "after", *["none"] * 6))) if deaths else "none"
            if death == "before":
                deaths -= 1
                self._die(flows)
                continue
            outcome = self._carried_out(name, effect)
            if death == "after":
                deaths -= 1
                self._die(flows)
                continue
            self.recorded.setdefault(name, []).append(outcome)
            try:
                flows[name] = flow, flow.send(decoded(outcome))
            except StopIteration as end:
                self.ended[name] = end.value
        raise AssertionError("it does not end")

    def _begun_again(self, name: str) -> tuple[Any, Any]:
        flow = placing(settle=SETTLE)
        try:
            effect = next(flow)
            for outcome in self.recorded.get(name, []):
                effect = flow.send(decoded(outcome))
        except StopIteration as end:
            self.ended[name] = end.value
            return flow, None
        return flow, effect

    def _carried_out(self, name: str, effect: Any) -> Any:
        if isinstance(effect, Sleep):
            self.wakes[name] = self.server.now + effect.seconds
            return None
        return self.loop.run(self.runner._carry_out(name, effect))

    def _die(self, flows: dict[str, Any]) -> None:
        """Forget what only the process knew."""
        flows.clear()
        self.runner._unsent.clear()
        self.runner._arrived.clear()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as loop:
        yield loop


@contextmanager
def world(loop: asyncio.Runner, draw: Any, prompts: list[str], *, honours: bool, list_kind: str) -> Generator[World]:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    Ledger.prepare(engine)
    rows = [Row(line, f"row {line}", prompt, {"prompt": prompt}) for line, prompt in enumerate(prompts, start=2)]
    with closing(
        Ledger.begin(engine, Batch(str(uuid.uuid4()), "http://server.test/v1", "/nowhere", {}), rows)
    ) as ledger:
        fates = iter(draw(st.lists(st.sampled_from(FATES), max_size=12)))
        server = ModelServer(honours, list_kind, draw(st.sampled_from((0.0, 3.0, SETTLE - 1))), fates)
        client: Any = SimpleNamespace()
        runner = Runner(ledger, client, Calm(100), honours_keys=honours, settle=SETTLE, interval=1.0)
        runner.server = server  # type: ignore[assignment]
        yield World(runner, server, draw, loop)


PROMPTS = st.lists(st.sampled_from(("a cat", "a cat", "a dog", "a boat", "bad")), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.data(),
    PROMPTS,
    st.integers(0, 4),
    st.sampled_from([(True, "full"), (True, "none"), (False, "full"), (False, "none"), (False, "empty")]),
)
def test_no_row_is_billed_twice_and_no_job_is_lost(
    loop: asyncio.Runner, data: st.DataObject, prompts: list[str], deaths: int, kind: tuple[bool, str]
) -> None:
    honours, list_kind = kind
    with world(loop, data.draw, prompts, honours=honours, list_kind=list_kind) as it:
        names = [f"row {line}" for line in range(2, len(prompts) + 2)]
        it.run(names, deaths)
        jobs = Counter(str(video.prompt) for video in it.server.jobs)
        wanted = Counter(prompts)
        outcomes = Counter(type(outcome).__name__ for outcome in it.ended.values())
        # No more jobs than rows of each prompt: nothing is billed twice, on no server.
        assert not jobs - wanted
        placed = [outcome.video_id for outcome in it.ended.values() if isinstance(outcome, Placed)]
        assert len({*placed}) == len(placed)
        # No job is lost: each is a row's, or a row that asks for a person may have it.
        unknown = [video for video in it.server.jobs if video.id not in placed]
        assert len(unknown) <= outcomes["Ambiguous"]
        if honours:
            assert "Ambiguous" not in outcomes
        assert outcomes["Refused"] <= wanted["bad"]


def test_a_create_that_is_cut_off_is_found_in_the_list(loop: asyncio.Runner) -> None:
    with world(loop, _first, ["a boat", "a cat"], honours=False, list_kind="full") as it:
        it.server.fates = itertools.chain(["arrives", "answer is lost"])
        it.run(["row 2", "row 3"], 0)
        assert {"row 2": Placed("video_0"), "row 3": Placed("video_1")} == it.ended


def test_a_create_that_never_arrived_is_sent_again(loop: asyncio.Runner) -> None:
    with world(loop, _first, ["a boat", "a cat"], honours=False, list_kind="full") as it:
        it.server.fates = itertools.chain(["arrives", "is lost"])
        it.run(["row 2", "row 3"], 0)
        assert {"row 2": Placed("video_0"), "row 3": Placed("video_1")} == it.ended
        assert (2, 0) == it.runner.ledger.spent()


def test_without_keys_and_list_a_person_decides(loop: asyncio.Runner) -> None:
    with world(loop, _first, ["a cat"], honours=False, list_kind="none") as it:
        it.server.fates = itertools.chain(["answer is lost"])
        it.run(["row 2"], 0)
        assert "there is no list" in it.ended["row 2"].reason
        assert states.DOUBT == it.runner.ledger.row("row 2")["state"]


def _first(strategy: Any) -> Any:
    """Return the first of what could be drawn."""
    elements = getattr(strategy, "elements", None)
    return elements[0] if elements else []
