"""Make the video of a row: carry out what `placing` decides, wait for the job, and fetch its files.

Each effect, and the end, is a step of a workflow of DBOS: their outcomes are recorded, and after a crash the workflow
begins again with those that it has.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, field
from dbos import DBOS
from dbos._error import DBOSException
from sqlalchemy.exc import IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .. import APIStatusError, NotFoundError, OpenVideosError
from . import ledger as states
from .files import Files
from .ledger import Ledger
from .pacing import Pace
from .placing import (
    KEY_AGE_S,
    Adopt,
    Ambiguous,
    Blind,
    Busy,
    Create,
    Doubt,
    Held,
    Intend,
    Intent,
    Look,
    Placed,
    Refused,
    Sight,
    Sleep,
    placing,
)
from .records import decoded, encoded
from .server import CreatesStoppedError, Server, is_of_the_prompt
from .sights import sight_of
from .waiting import Waiting

if TYPE_CHECKING:
    from dbos._core import StepOptions

    from .. import AsyncOpenVideos, Video

T = TypeVar("T")

GATE_S: Final = 0.05
TURN_S: Final = 0.25
"""How long a row waits at the most before it looks again whether it may be sent."""


@define
class Runner:
    """What the workflows of this process share."""

    ledger: Ledger
    client: AsyncOpenVideos
    pace: Pace
    honours_keys: bool
    settle: float
    interval: float
    thumbnail: bool = False
    retry_failed: int = 0
    only_codes: tuple[str, ...] = ()
    """The codes of failures that are tried again; all but those of a policy if there are none."""
    stopped: str | None = None
    """Why no create is sent any more."""
    is_over_limit: bool = False
    """Whether a row found that the spend limit leaves no room for it."""
    making: set[str] = field(factory=set[str])
    """The workflows that run in this process."""
    parked: set[str] = field(factory=set[str])
    """The rows whose files cannot be saved, which are not tried again by this run."""
    trouble: str | None = None
    """What keeps the batch from going on, at the moment."""
    doubted: str | None = None
    """Why the latest create has no job yet; None if it was accepted, or refused for good."""
    hold: Callable[[], int] = field(default=lambda: 0)
    """Sees that other workers take this one for alive, or raises an error of the database; returns how often it had to
    make them do so: if that has changed, they may have taken it for dead."""
    server: Server = field(init=False)
    waiting: Waiting = field(init=False)
    files: Files = field(init=False)
    _unsent: set[tuple[str, int]] = field(factory=set[tuple[str, int]], init=False)
    """The intents of this process whose creates were not sent, by name and generation."""
    _arrived: dict[str, str] = field(factory=dict[str, str], init=False)
    """The ids that have arrived and are not recorded yet, by key."""
    _inside: set[str] = field(factory=set[str], init=False)
    """The rows whose jobs are being made."""
    _gate: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the parts."""
        self.server = Server(self.client)
        self.waiting = Waiting(self.client, self.interval, self._in_trouble)
        self.files = Files(self.client, self.ledger.batch.out, self._in_trouble)

    @property
    def is_busy(self) -> bool:
        """Whether jobs are being made."""
        return bool(self._inside)

    def _in_trouble(self, what: str | None) -> None:
        self.trouble = what

    def key(self, row: dict[str, Any]) -> str:
        """Return the Idempotency-Key of a row's attempt, the same for ever."""
        return str(uuid.uuid5(uuid.UUID(self.ledger.batch.id), f"{row['name']}\n{row['attempt']}"))

    async def make(self, name: str) -> str:
        """Make the video of a row, and return the row's last state."""
        try:
            while True:
                outcome = await self._placed(name)
                state = await _step("end", partial(self._end, name, outcome))
                if state != states.PENDING or isinstance(outcome, Held):
                    return state
        except DBOSException:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on, and the next run tries it again
            return await self._park(name, error)
        finally:
            self._inside.discard(name)

    async def _park(self, name: str, error: Exception) -> str:
        """Leave a row to the next run, with what has happened to it."""
        self.parked.add(name)
        row = await asyncio.to_thread(self.ledger.row, name)
        message = error.message if isinstance(error, OpenVideosError) else f"{type(error).__name__} in this command"
        self.trouble = f"{name}: {message}"
        known = {"code": type(error).__name__, "message": message}
        await asyncio.to_thread(self.ledger.leave, name, row["state"], workflow=DBOS.workflow_id, **known)
        return str(row["state"])

    async def _placed(self, name: str) -> Any:
        flow = placing(settle=self.settle)
        outcome: Any = None
        while True:
            try:
                effect = flow.send(outcome)
            except StopIteration as end:
                return end.value
            if isinstance(effect, Sleep):
                # A sleep of DBOS ends at a time of the clock, which may be set to another one before it is slept out.
                await _step("Sleep", partial(asyncio.sleep, effect.seconds))
                outcome = None
            else:
                said = await _step(type(effect).__name__, partial(self._carry_out, name, effect))
                outcome = decoded(said)

    async def _carry_out(self, name: str, effect: Intend | Create | Look | Adopt) -> Any:
        match effect:
            case Intend():
                return encoded(await self._intend(name, effect))
            case Create():
                return encoded(await self._create(name, effect))
            case Look():
                return encoded(await self._look(name, effect))
            case _:
                return await asyncio.to_thread(self.ledger.place, name, effect.video_id)

    async def _turn(self, name: str) -> bool:
        """Wait until a create of a row may be sent; return False if none may be any more."""
        now = asyncio.get_running_loop().time
        while self.stopped is None:
            has_room = name in self._inside or len(self._inside) < self.pace.limit
            if has_room and now() >= self.pace.not_before:
                self._inside.add(name)
                return await self._paced()
            await asyncio.sleep(GATE_S)
        return False

    async def _paced(self) -> bool:
        """Wait for the next create of all processes, where their number in a minute is limited."""
        async with self._gate:  # one waits for the others
            while self.stopped is None:
                pause = self.pace.not_before - asyncio.get_running_loop().time()  # for which the server may have asked
                if pause <= 0:
                    pause = await asyncio.to_thread(self.ledger.turn)
                    if not pause:
                        return True
                await asyncio.sleep(min(pause, TURN_S))
        return False

    async def _intend(self, name: str, effect: Intend) -> Intent | Doubt | Placed | Held:
        found = await asyncio.to_thread(self.ledger.row, name)
        may_send = found["state"] == states.PENDING or (effect.settled and found["state"] == states.DOUBT)
        if may_send and not await self._turn(name):
            return Held()
        row = await asyncio.to_thread(self.ledger.intend, name, self.server.now, settled=effect.settled)
        if row is None:
            self.is_over_limit = True
            return Held()
        if row["state"] in states.ENDED:
            return Held()
        if row["video_id"] is not None:
            return Placed(row["video_id"])
        intent = Intent(self.key(row), row["intended_at"])
        if not row.get("is_new"):
            return await self._doubt(name, intent, "it is not known whether its create was sent")
        self._unsent.add((name, row["generation"]))
        return intent

    async def _create(self, name: str, effect: Create) -> Placed | Refused | Busy | Held | Doubt | Ambiguous:
        held = await asyncio.to_thread(self.hold)
        row = await asyncio.to_thread(self.ledger.row, name)
        key = effect.intent.key
        if key not in self._arrived:
            instead = await self._instead(row, effect)
            if instead is not None:
                return instead
            if held != await asyncio.to_thread(self.hold):
                return await self._create(name, effect)  # with the row as others have left it
            self._unsent.discard((name, row["generation"]))
            outcome = await self._sent(row, effect)
            self.doubted = _said(outcome)
            if not isinstance(outcome, Placed):
                return await self._not_placed(name, effect, outcome)
            self.pace.accepted()
            # While the database cannot take the id, this step is tried again.
            self._arrived[key] = outcome.video_id
        placed = Placed(self._arrived[key])
        is_own = await asyncio.to_thread(self.ledger.place, name, placed.video_id)
        del self._arrived[key]
        if is_own:
            return placed
        return Ambiguous("the server answered its create with a job that another row has", (placed.video_id,))

    async def _instead(self, row: dict[str, Any], effect: Create) -> Refused | Busy | Held | Doubt | Placed | None:
        """Return what comes of a create that must not be sent; None if it may be."""
        name = row["name"]
        if row["state"] == states.PENDING:  # a crash came between its release and the record of it
            refused = Refused("refused", "The server refused its create.", always=True)
            return refused if effect.again else Busy(0.0)
        if not effect.again:  # it has had its turn when it was intended
            if (name, row["generation"]) in self._unsent and row["state"] == states.SENDING:
                return None
            return await self._doubt(name, effect.intent, "the process that was to send its create has ended")
        if not await self._turn(name):
            return Held()
        if self._age(effect.intent.at) > KEY_AGE_S:
            return await self._doubt(name, effect.intent, "its key is too old to be relied on")
        return None

    async def _sent(self, row: dict[str, Any], effect: Create) -> Placed | Refused | Busy | Held | str:
        if self.stopped is not None:  # since it had its turn
            return Held()
        try:
            return await self.server.create(row["sent"], effect.intent.key)
        except CreatesStoppedError as reason:
            self.stopped = f"the row {row['name']!r} of line {row['line']}: {reason}"
            return Held()

    async def _not_placed(
        self, name: str, effect: Create, outcome: Refused | Busy | Held | str
    ) -> Refused | Busy | Held | Doubt | Placed:
        if isinstance(outcome, str):
            return await self._doubt(name, effect.intent, outcome)
        if isinstance(outcome, Busy):
            self.pace.busy(asyncio.get_running_loop().time(), outcome.seconds)
        if not effect.again or (isinstance(outcome, Refused) and outcome.always):
            await asyncio.to_thread(self.ledger.release, name)
            self.is_over_limit = False
        return outcome

    async def _doubt(self, name: str, intent: Intent, reason: str) -> Doubt | Placed:
        row = await asyncio.to_thread(self.ledger.doubt, name, reason)
        if row["video_id"] is not None:
            return Placed(row["video_id"])
        # What is decided by a setting is recorded with it: the next run may have another.
        return Doubt(intent, self._age(intent.at), self.honours_keys)

    def _age(self, intended_at: float) -> float:
        """Return how long ago an intent was recorded, in seconds, at the most."""
        # While a machine sleeps, the clock that the server's is counted on may stand still.
        return max(0.0, self.server.now - intended_at, time.time() - intended_at)

    async def _look(self, name: str, effect: Look) -> Sight | Blind:
        jobs = await self.server.jobs_since(effect.intent.at)
        if isinstance(jobs, Blind):
            return jobs
        row = await asyncio.to_thread(self.ledger.row, name)
        rivals, under_way, has_lookalikes = await asyncio.to_thread(self.ledger.rivals, row)
        claimed = await asyncio.to_thread(self.ledger.claimed, [video.id for video in jobs])
        return sight_of(row["sent"], jobs, claimed, rivals=rivals, under_way=under_way, has_lookalikes=has_lookalikes)

    async def _end(self, name: str, outcome: Placed | Refused | Ambiguous | Held) -> str:
        """Do what is left to do for a row; return its state, which is "pending" if it begins anew."""
        if isinstance(outcome, Placed):
            return await self._finish(name)
        row = await asyncio.to_thread(self.ledger.row, name)
        if row["video_id"] is not None:
            return await self._finish(name)
        state, values = row["state"], dict[str, Any]()
        if isinstance(outcome, Refused):
            state, values = states.FAILED, {"code": outcome.code, "message": outcome.message}
        elif isinstance(outcome, Ambiguous):
            state, values = states.AMBIGUOUS, {"message": outcome.reason, "candidates": [*outcome.candidates]}
        await self._leave(name, state, **values)
        return str(state)

    async def _leave(self, name: str, state: str, **values: Any) -> None:
        await asyncio.to_thread(self.ledger.leave, name, state, workflow=DBOS.workflow_id, **values)

    async def _finish(self, name: str) -> str:
        """Wait for the job of a row, and fetch its files; try a job that has failed again, if the settings say so."""
        row = await asyncio.to_thread(self.ledger.row, name)
        if row["video_id"] is None or row["state"] in states.ENDED:
            return str(row["state"])  # a crash came between the change and its record
        self._inside.add(name)
        try:
            video = await self._ended(row)
            if video.status == "failed":
                error = video.error
                code, message = (error.code, error.message) if error else ("", "the server gives no reason")
                return await self._failed(row, str(code or ""), str(message or ""))
            await asyncio.to_thread(self.ledger.set, name, states.DOWNLOADING, workflow=DBOS.workflow_id)
            files = dict(row["files"] or {})
            files["video"] = await self.files.fetch(row["video_id"], name, "video", files.get("video"))
            if self.thumbnail:
                with suppress(APIStatusError):  # a server may offer the clip alone
                    files["thumbnail"] = await self.files.fetch(
                        row["video_id"], name, "thumbnail", files.get("thumbnail")
                    )
            await self._leave(name, states.DONE, files=files, message=None, code=None)
        except APIStatusError as error:
            await self._leave(
                name, states.FAILED, code=error.code or f"status {error.status_code}", message=error.message
            )
            return states.FAILED
        return states.DONE

    async def _ended(self, row: dict[str, Any]) -> Video:
        """Return the job of a row once it has ended; a server may know it a while after it has accepted it."""
        while True:
            try:
                return await self.waiting.ended(row["video_id"])
            except NotFoundError:
                if self._age(row["intended_at"] or 0.0) > self.settle:
                    raise
                await asyncio.sleep(self.interval)

    async def _failed(self, row: dict[str, Any], code: str, message: str) -> str:
        name = row["name"]
        if self.stopped is None and row["attempt"] <= self.retry_failed and may_try_again(code, self.only_codes):
            await asyncio.to_thread(self.ledger.renew, name, of=(states.RUNNING,))
            return states.PENDING
        await self._leave(name, states.FAILED, code=code, message=message)
        return states.FAILED


def _said(outcome: object) -> str | None:
    """Return what came of a create that was not accepted, in words; None if nothing keeps the next one back."""
    if isinstance(outcome, Busy):
        return f"the server takes no create at the moment; the next is sent in {outcome.seconds:.0f} s"
    return f"a create got no clear answer: {outcome}" if isinstance(outcome, str) else None


def may_try_again(code: str, only: tuple[str, ...] = ()) -> bool:
    """Return whether a job that failed with this code may succeed if it is made again."""
    if is_of_the_prompt(code):
        return False
    return not only or code in only


async def _step(name: str, function: Callable[[], Awaitable[T]]) -> T:
    """Do something whose outcome is recorded for ever; while the database is away, try it again."""
    options: StepOptions = {"name": name, "retries_allowed": True, "max_attempts": 10_000, "interval_seconds": 1.0}
    options |= {"backoff_rate": 1.0, "should_retry": is_of_the_database}

    async def do() -> T:
        return await function()

    return await DBOS.run_step_async(options, do)


def is_of_the_database(error: BaseException) -> bool:
    """Return whether an error tells that the database cannot be used now: it is away, or its disk is full."""
    return isinstance(error, (OperationalError, InterfaceError, InternalError, IntegrityError, PoolTimeoutError))
