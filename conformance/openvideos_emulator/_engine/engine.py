"""Carry out the operations of the contract over one store, without HTTP and without an event loop.

Every method may be called from any thread and returns quickly; rendering, which is slow, is returned as a future. The
ASGI app, the process and the pytest fixture all use this engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .._media.library import Media, MediaLibrary, Variant
from .._model.clock import Clock
from .._model.fault_plan import FaultPlan
from .._model.jobs import (
    Failure,
    Job,
    Pace,
    Recipe,
    Status,
    failure_in,
    first_state,
    is_counted,
    pace_in,
    poll_after_ms,
)
from .._model.profiles import DEFAULT, Profile
from .._model.refusals import Reason, RefusalError, StartError, shown
from .._model.seeds import Seed, seeded
from .._model.steering import Advance
from .._storage.database import Database, why_unusable
from .._storage.event_outbox import Outbox
from .._storage.job_store import Store
from .advancing import Advances
from .characters import Characters
from .housekeeping import Housekeeping
from .idempotency import IdempotencyKeys, IdempotentRequest
from .snapshot import Page, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .._model.fault_plan import Fault, Target

_SWEEP_SECONDS: Final = 600.0
_IN_MEMORY: Final = ":memory:"


class Engine:
    """All jobs of one server, and the operations on them."""

    profile: Profile
    faults: FaultPlan
    pace: Pace
    outbox: Outbox
    url_secret: bytes
    characters: Characters
    clock: Clock

    def __init__(
        self,
        *,
        database: Path | None = None,
        pace: Pace | None = None,
        profile: Profile = DEFAULT,
        clock: Callable[[], float] = time.time,
        has_events: bool = False,
    ) -> None:
        """Open the database, in memory if it is None or `:memory:`; media are stored next to it.

        With `has_events`, the end of each job that has not ended yet is written to the outbox.

        Raises:
            StartError: The database or the directory for media cannot be used.
        """
        self.profile = profile
        self.faults = FaultPlan()
        self.pace = pace or Pace(seconds=0.0)
        path = None if database is None or str(database) == _IN_MEMORY else database
        self._database = Database(path)
        self._store, self.outbox = Store(self._database), Outbox(self._database)
        self._keys = IdempotencyKeys(self._store, self.now)
        self.characters = Characters(self._store, self._keys, self.now)
        with contextlib.ExitStack() as stack:
            stack.callback(self._database.close)
            self._media = MediaLibrary(path and path.with_name(f"{path.name}-media"))
            stack.callback(self._media.close)
            try:
                self.url_secret = self._store.url_secret()
                latest, ahead = self._store.clock()
                self.clock = Clock(clock, latest=latest, ahead=ahead)
                self._database.clock = self.now
                self._advances = Advances(self._store, self.outbox, self.clock, self._database.lock)
                self._housekeeping = Housekeeping(self._store, self.outbox, self._media, self.now)
                stack.callback(self._housekeeping.close)
                self.write_events(is_wanted=has_events)
            except sqlite3.DatabaseError as error:
                raise StartError(why_unusable(error, path)) from error
            if path is not None:
                self.sweep()
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Stop rendering and close the database."""
        self._closing.close()

    def serve_at(self, url: str) -> None:
        """Tell others who want the database where it is served."""
        self._database.owner.tell(url)

    def of_this_generation(self) -> AbstractContextManager[None]:
        """Refuse what is done inside, in this context, once the engine is reset."""
        return self._database.of_this_generation()

    def check_generation(self) -> None:
        """Refuse what would be carried out after this, if the engine was reset since its request arrived."""
        with self._store.transaction():
            pass

    def create(
        self, recipe: Recipe, *, remixed_from: str | None = None, idempotent: IdempotentRequest | None = None
    ) -> Snapshot:
        """Start a job. If `idempotent` is repeated, return the job that its first request started."""
        with self._store.transaction():
            repeated = self._keys.job_of(idempotent)
            if repeated is not None:
                return self._snapshot(repeated)
            now = self.now()
            job = self._store.add(
                Job(
                    id=f"video_{secrets.token_hex(16)}",
                    row=0,
                    created_at=int(now),
                    started_at=now,
                    recipe=recipe,
                    pace=pace_in(recipe.prompt, self.pace),
                    failure=failure_in(recipe.prompt),
                    remixed_from=remixed_from,
                )
            )
            self.outbox.plan([job])
            self._keys.add(idempotent, job.id)
        return Snapshot(job, first_state(), poll_after_ms(job, now=now))

    def remix(self, video_id: str, prompt: str, *, idempotent: IdempotentRequest | None = None) -> Snapshot:
        """Start a job that renders a completed video again with another prompt."""
        with self._store.transaction():
            recipe = self._source(video_id, "remixed", idempotent, param="video_id")
            return self.create(replace(recipe, prompt=prompt), remixed_from=video_id, idempotent=idempotent)

    def edit(self, video_id: str, prompt: str, *, idempotent: IdempotentRequest | None = None) -> Snapshot:
        """Start a job that changes a completed video."""
        with self._store.transaction():
            recipe = self._source(video_id, "edited", idempotent, param="video.id")
            return self.create(replace(recipe, prompt=prompt, source=_derived("edit", recipe)), idempotent=idempotent)

    def extend(
        self, video_id: str, prompt: str, seconds: int, *, idempotent: IdempotentRequest | None = None
    ) -> Snapshot:
        """Start a job that extends a completed video by `seconds`."""
        with self._store.transaction():
            recipe = self._source(video_id, "extended", idempotent, param="video.id")
            extended = recipe.extended(seconds)
            if self._keys.job_of(idempotent) is None:
                self.profile.check_clip(extended, param="seconds")
            source = _derived("extend", recipe)
            return self.create(replace(extended, prompt=prompt, source=source), idempotent=idempotent)

    def retrieve(self, video_id: str, *, counted: bool = True) -> Snapshot:
        """Read a job's status. Unless `counted` is false, this counts as a poll, which moves `polls:N` jobs."""
        with self._store.transaction():
            job = self._existing(video_id)
            return self._read([job])[0] if counted else self._snapshot(job)

    def page(self, *, after: str | None, limit: int, ascending: bool, counted: bool = True) -> Page:
        """Read a page of at most `limit` jobs, and the status of each; `after` may be the id of a deleted job.

        Unless `counted` is false, this counts as a poll of each job on the page.

        Raises:
            RefusalError: No job ever had the id `after`.
        """
        with self._store.transaction():
            cursor = None if after is None else self._store.cursor(after)
            if after is not None and cursor is None:
                raise RefusalError(
                    Reason.NOT_FOUND,
                    f"after is {shown(after)}; no video ever had that id. Pass the last_id of a page.",
                    code="not_found",
                    param="after",
                )
            jobs = self._store.jobs(after=cursor, limit=limit + 1, ascending=ascending)
            read = self._read(jobs[:limit]) if counted else [self._snapshot(job) for job in jobs[:limit]]
            return Page(tuple(read), has_more=len(jobs) > limit)

    def delete(self, video_id: str) -> None:
        """Delete a job in any state, and its files; this works on a full disk."""
        recipe = self._database.even_if_full(lambda: self._delete(video_id))
        self._discard_unused(recipe)
        self._database.restore_reserve()

    def request_content(self, video_id: str, variant: Variant) -> Future[None]:
        """Start to render a file of a completed job; once the future is done, `open_content` can open the file."""
        self._housekeeping.sweep_unless_since(self.now() - _SWEEP_SECONDS)
        recipe = self._downloadable(video_id).recipe
        future = self._media.request(recipe, variant)
        # The last job with this recipe may have been deleted while the file was rendered.
        future.add_done_callback(lambda _: self._discard_unused(recipe))
        return future

    def open_content(self, video_id: str, variant: Variant) -> Media | None:
        """Open a file of a completed job; None if it does not exist, so that it has to be requested again."""
        recipe = self._downloadable(video_id).recipe
        try:
            return self._media.open(recipe, variant)
        except FileNotFoundError:
            return None

    def advance(
        self,
        *,
        seconds: float | None = None,
        polls: int | None = None,
        to: Status | None = None,
        jobs: Iterable[str] | None = None,
        failure: Failure | None = None,
    ) -> Iterator[Snapshot]:
        """Advance jobs, and yield those that have changed. Without arguments, advance every job to its end.

        `seconds` moves the clock, or only the jobs in `jobs` if that is given; `polls` counts that many polls. `to`
        ends jobs as `COMPLETED` or, with `failure` as the reason, as `FAILED`, whatever their prompts say. Many jobs
        are advanced some at a time, so that others wait for some of them only; new ones are left out.
        """
        advance = Advance(seconds, polls, to, failure, moves_clock=jobs is None)
        if jobs is None:
            changed = self._advances.of_all(advance)
        else:
            with self._store.transaction():
                chosen = [self._existing(id_, param="jobs") for id_ in jobs]
                changed = self._advances.of_some(chosen, advance, then=self.now())
        return map(self._snapshot, self._store.jobs_in(changed))

    def seed(self, seed: Seed) -> Snapshot:
        """Add a job in any state."""
        self.profile.check_size(seed.size)
        self.profile.check_total(seed.seconds, param="seconds")
        with self._store.transaction():
            id_ = seed.id or f"video_{secrets.token_hex(16)}"
            if self._store.cursor(id_) is not None:
                raise RefusalError(
                    Reason.CONFLICT,
                    f"There is or was a video with the id {shown(id_)}; seed another id, or reset first.",
                    code="id_taken",
                    param="id",
                )
            snapshot = self._snapshot(self._store.add(seeded(seed, id_=id_, now=self.now())))
            if snapshot.state.ended_at is None:  # a job that was seeded as ended has no event
                self.outbox.plan([snapshot.job])
            return snapshot

    def plan_fault(self, fault: Fault) -> None:
        """Plan a fault."""
        with self._store.transaction():  # a test that has ended plans none for the next one
            self.faults.add(fault)

    def take_fault(self, target: Target) -> Fault | None:
        """Return the planned fault that happens to a request, and count it as used once; None if there is none.

        A request that has arrived before a reset takes none that was planned after it.
        """
        with contextlib.suppress(RefusalError), self._store.transaction():
            return self.faults.take(target)
        return None

    def reset(self, *, pace: Pace | None = None, profile: Profile | None = None) -> None:
        """Forget all jobs, events, characters, idempotency keys and faults, and set the clock back to the real time.

        The job speed and the profile are set if they are given. This works on a full disk. What was begun before, and
        would change something, is refused from now on. A reset that fails changes nothing.
        """
        self._database.even_if_full(lambda: self._forget_all(pace or self.pace, profile or self.profile))
        self.outbox.cancel()
        self._media.clear()
        self._database.restore_reserve()

    def write_events(self, *, is_wanted: bool) -> None:
        """Open or close the outbox to new events; if it is open, write the end of each job that has not ended yet."""
        if is_wanted:
            self._housekeeping.announce(self.outbox.open(now=self.now()))
        else:
            self.outbox.close()

    def snapshots(self, *, now: float) -> Iterator[Snapshot]:
        """Yield all jobs at this time, the oldest first; they are read some at a time, and no poll is counted."""
        for page in self._store.pages():
            yield from (Snapshot.of(job, now=now) for job in page)

    def newest(self, *, limit: int, skip: int, status: Status | None) -> tuple[float, Page, dict[Status, int]]:
        """Return the time, the newest jobs, of one status only if that is given, and how many have each status."""
        now = self.now()
        jobs = self._store.newest(skip=skip, limit=limit + 1, status=status, now=now)
        listed = tuple(Snapshot.of(job, now=now) for job in jobs[:limit])
        return now, Page(listed, has_more=len(jobs) > limit), self._store.counts(now=now)

    def sweep(self) -> Future[None]:
        """Start to remove the files that have expired."""
        return self._housekeeping.sweep()

    def now(self) -> float:
        """Return the time that jobs see, in Unix seconds."""
        return self.clock.now()

    def _delete(self, video_id: str) -> Recipe:
        with self._store.transaction():
            job = self._existing(video_id)
            self._store.delete(job)
            self.outbox.forget(video_id, now=self.now())
        return job.recipe

    def _forget_all(self, pace: Pace, profile: Profile) -> None:
        with self._database.lock:
            with self._database.next_generation(clock=self.clock.source):
                self._store.clear()
                self.outbox.clear()
            self.faults.clear()
            self.clock.reset()
            self.pace, self.profile = pace, profile

    def _discard_unused(self, recipe: Recipe) -> None:
        if not self._store.uses(recipe.digest):
            self._media.discard(recipe.digest)

    def _existing(self, video_id: str, *, param: str = "video_id") -> Job:
        job = self._store.job(video_id)
        if job is None:
            raise RefusalError(
                Reason.NOT_FOUND, f"No video has the id {shown(video_id)}.", code="not_found", param=param
            )
        return job

    def _snapshot(self, job: Job) -> Snapshot:
        return Snapshot.of(job, now=self.now())

    def _read(self, jobs: list[Job]) -> list[Snapshot]:
        counted = {job.id: self._with_read(job) for job in jobs if is_counted(job)}
        if counted:
            self._store.move(counted.values())
            self.outbox.plan(counted.values())
        return [self._snapshot(counted.get(job.id, job)) for job in jobs]

    def _with_read(self, job: Job) -> Job:
        job = replace(job, reads=job.reads + 1)
        return job if is_counted(job) else replace(job, ended_at=self.now())

    def _completed(self, video_id: str, action: str, *, param: str) -> Snapshot:
        snapshot = self._snapshot(self._existing(video_id, param=param))
        snapshot.check_completed(action)
        if snapshot.expires_at is not None and snapshot.is_expired(now=self.now()):
            self._housekeeping.sweep_unless_since(snapshot.expires_at)
        snapshot.check_unexpired(now=self.now())
        return snapshot

    def _source(self, video_id: str, action: str, idempotent: IdempotentRequest | None, *, param: str) -> Recipe:
        repeated = self._keys.job_of(idempotent)
        if repeated is not None:
            return repeated.recipe  # the source may have been deleted since; the repeated request still gets its job
        return self._completed(video_id, action, param=param).job.recipe

    def _downloadable(self, video_id: str) -> Job:
        return self._completed(video_id, "downloaded", param="video_id").job


def _derived(operation: str, source: Recipe) -> str:
    return hashlib.sha256(repr((operation, source.identity)).encode()).hexdigest()
