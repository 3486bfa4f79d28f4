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
    Step,
    advanced,
    failure_in,
    first_state,
    is_counted,
    pace_in,
    poll_after_ms,
    state_of,
)
from .._model.profiles import DEFAULT, Profile
from .._model.refusals import Reason, RefusalError, StartError, shown
from .._model.seeds import FAILURE, Seed, seeded
from .._storage.database import Database, why_unusable
from .._storage.event_outbox import Outbox
from .._storage.job_store import Character, Store
from .idempotency import IdempotencyKeys, IdempotentRequest
from .snapshot import Page, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

_SWEEP_SECONDS: Final = 600.0


class Engine:
    """All jobs of one server, and the operations on them."""

    profile: Profile
    faults: FaultPlan
    pace: Pace
    outbox: Outbox

    def __init__(
        self,
        *,
        database: Path | None = None,
        pace: Pace | None = None,
        profile: Profile = DEFAULT,
        clock: Callable[[], float] = time.time,
        has_events: bool = False,
    ) -> None:
        """Open the database (in memory if None); media are stored next to it.

        With `has_events`, the end of each job that has not ended yet is written to the outbox.

        Raises:
            StartError: The database or the directory for media cannot be used.
        """
        self.profile = profile
        self.faults = FaultPlan()
        self.pace = pace or Pace(seconds=0.0)
        self._database = Database(database)
        self._store, self.outbox = Store(self._database), Outbox(self._database, is_open=has_events)
        self._keys = IdempotencyKeys(self._store)
        with contextlib.ExitStack() as stack:
            stack.callback(self._database.close)
            self._media = MediaLibrary(database and database.with_name(f"{database.name}-media"))
            stack.callback(self._media.close)
            latest = max(self._store.latest(), self.outbox.latest())
            self._clock = Clock(clock, latest=latest, ahead=self._store.ahead())
            try:
                self.write_events(is_wanted=has_events)
            except sqlite3.DatabaseError as error:
                raise StartError(why_unusable(error, database)) from error
            stack.pop_all()
        self._media.keep_only(self._recipes_with_files(), with_parts=True)
        self._swept_at = self.now()

    def close(self) -> None:
        """Stop rendering and close the database."""
        self._media.close()
        self._database.close()

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
        """Delete a job in any state, and its files."""
        with self._store.transaction():
            job = self._existing(video_id)
            self._store.delete(job)
            self.outbox.forget(video_id, now=self.now())
            is_used = self._store.uses(job.recipe)
        if not is_used:
            self._media.discard(job.recipe)

    def request_content(self, video_id: str, variant: Variant) -> Future[None]:
        """Start to render a file of a completed job; once the future is done, `open_content` can open the file."""
        if self.now() >= self._swept_at + _SWEEP_SECONDS:
            self._sweep()
        recipe = self._downloadable(video_id).recipe
        future = self._media.request(recipe, variant)
        future.add_done_callback(lambda _: self._forget_orphan(recipe))
        return future

    def open_content(self, video_id: str, variant: Variant) -> Media | None:
        """Open a file of a completed job; None if it does not exist, so that it has to be requested again."""
        recipe = self._downloadable(video_id).recipe
        try:
            return self._media.open(recipe, variant)
        except FileNotFoundError:
            return None

    def create_character(self, name: str, digest: str, *, idempotent: IdempotentRequest | None = None) -> Character:
        """Store a character. If `idempotent` is repeated, return the character that its first request made."""
        with self._store.transaction():
            repeated = self._keys.resource_of(idempotent)
            if repeated is not None:
                return self.character(repeated)
            id_ = f"char_{secrets.token_hex(16)}"
            character = Character(id=id_, created_at=int(self.now()), name=name, digest=digest)
            self._store.add_character(character)
            self._keys.add(idempotent, id_)
        return character

    def character(self, character_id: str) -> Character:
        """Find a character.

        Raises:
            RefusalError: No character has this id.
        """
        character = self._store.character(character_id)
        if character is None:
            raise RefusalError(
                Reason.NOT_FOUND,
                f"No character has the id {shown(character_id)}.",
                code="not_found",
                param="character_id",
            )
        return character

    def advance(
        self,
        *,
        seconds: float = 0.0,
        polls: int = 0,
        to: Status | None = None,
        jobs: Iterable[str] | None = None,
        failure: Failure | None = None,
    ) -> list[Snapshot]:
        """Advance jobs, and return those that have changed. Without arguments, advance every job to its end.

        `seconds` moves the clock, or only the jobs in `jobs` if that is given; `polls` counts that many polls. `to`
        ends jobs as `COMPLETED` or, with `failure` as the reason, as `FAILED`, whatever their prompts say.
        """
        step = Step(seconds=seconds, polls=polls, to_end=to is not None or not (seconds or polls))
        with self._store.transaction():
            chosen = (
                list(self._store.all_jobs()) if jobs is None else [self._existing(id_, param="jobs") for id_ in jobs]
            )
            before = [self._snapshot(job) for job in chosen]
            if jobs is None and seconds:
                self._store.set_ahead(self._clock.move(seconds))
                self.outbox.wake()
            now = self.now()
            # Jobs that run by the clock have moved already, with the clock.
            kept = replace(step, seconds=0.0) if jobs is None else step
            moved = [
                advanced(_with_end(was.job, to, failure), step if was.job.pace.by_hand else kept, now=now)
                for was in before
                if was.state.ended_at is None
            ]
            self._move(moved)
            stood = {was.job.id: was.state for was in before}
            after = [self._snapshot(job) for job in moved]
        return [snapshot for snapshot in after if snapshot.state != stood[snapshot.job.id]]

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

    def reset(self) -> None:
        """Forget all jobs, events, characters, idempotency keys and faults, and set the clock back to the real time."""
        self.faults.clear()
        with self._store.transaction():
            recipes = {job.recipe for job in self._store.all_jobs()}
            self._store.clear()
            self.outbox.clear()
            self._clock.reset()
        for recipe in recipes:
            self._media.discard(recipe)

    def write_events(self, *, is_wanted: bool) -> None:
        """Open or close the outbox to new events; if it is open, write the end of each job that has not ended yet."""
        with self._store.transaction():
            self.outbox.is_open = is_wanted
            self.outbox.plan([each.job for each in self.state()[1] if each.state.ended_at is None])

    def state(self) -> tuple[float, list[Snapshot]]:
        """Return the time, in Unix seconds, and all jobs, the oldest first. This does not count as a poll."""
        with self._store.transaction():
            return self.now(), [self._snapshot(job) for job in self._store.all_jobs()]

    def now(self) -> float:
        """Return the time that jobs see, in Unix seconds."""
        return self._clock.now()

    def _recipes_with_files(self) -> Iterator[Recipe]:
        for snapshot in map(self._snapshot, self._store.all_jobs()):
            if snapshot.expires_at is None or self.now() < snapshot.expires_at:
                yield snapshot.job.recipe

    def _sweep(self) -> None:
        """Remove the files that have expired."""
        self._swept_at = self.now()
        with self._store.transaction():
            kept = list(self._recipes_with_files())
        self._media.keep_only(kept)

    def _forget_orphan(self, recipe: Recipe) -> None:
        # The last job with this recipe may have been deleted while the file was rendered.
        if not self._store.uses(recipe):
            self._media.discard(recipe)

    def _existing(self, video_id: str, *, param: str = "video_id") -> Job:
        job = self._store.job(video_id)
        if job is None:
            raise RefusalError(
                Reason.NOT_FOUND, f"No video has the id {shown(video_id)}.", code="not_found", param=param
            )
        return job

    def _snapshot(self, job: Job) -> Snapshot:
        now = self.now()
        state = state_of(job, now=now)
        return Snapshot(job, state, poll_after_ms(job, now=now) if state.ended_at is None else None)

    def _read(self, jobs: list[Job]) -> list[Snapshot]:
        counted = {job.id: self._with_read(job) for job in jobs if is_counted(job)}
        if counted:
            self._move(counted.values())
        return [self._snapshot(counted.get(job.id, job)) for job in jobs]

    def _move(self, jobs: Collection[Job]) -> None:
        self._store.move(jobs)
        self.outbox.plan(jobs)

    def _with_read(self, job: Job) -> Job:
        job = replace(job, reads=job.reads + 1)
        return job if is_counted(job) else replace(job, ended_at=self.now())

    def _completed(self, video_id: str, action: str, *, param: str) -> Snapshot:
        snapshot = self._snapshot(self._existing(video_id, param=param))
        status = snapshot.state.status
        if status is not Status.COMPLETED:
            way_out = "create another" if status is Status.FAILED else "poll it until it is completed"
            message = (
                f"The video {shown(video_id)} is {status.value}; only a completed video can be {action}: {way_out}."
            )
            code = "video_failed" if status is Status.FAILED else "video_not_ready"
            raise RefusalError(Reason.CONFLICT, message, code=code)
        return snapshot

    def _source(self, video_id: str, action: str, idempotent: IdempotentRequest | None, *, param: str) -> Recipe:
        repeated = self._keys.job_of(idempotent)
        if repeated is not None:
            return repeated.recipe  # the source may have been deleted since; the repeated request still gets its job
        snapshot = self._completed(video_id, action, param=param)
        self._check_unexpired(snapshot)
        return snapshot.job.recipe

    def _downloadable(self, video_id: str) -> Job:
        snapshot = self._completed(video_id, "downloaded", param="video_id")
        if self._swept_at < (snapshot.expires_at or 0) <= self.now():
            self._sweep()
        self._check_unexpired(snapshot)
        return snapshot.job

    def _check_unexpired(self, snapshot: Snapshot) -> None:
        expires_at = snapshot.expires_at
        if expires_at is not None and self.now() >= expires_at:
            raise RefusalError(
                Reason.GONE,
                f"The content of the video {shown(snapshot.job.id)} expired at {int(expires_at)}.",
                code="video_expired",
            )


def _with_end(job: Job, to: Status | None, failure: Failure | None) -> Job:
    if to is Status.COMPLETED:
        return replace(job, failure=None)
    return replace(job, failure=failure or job.failure or FAILURE) if to is Status.FAILED else job


def _derived(operation: str, source: Recipe) -> str:
    return hashlib.sha256(repr((operation, source.identity)).encode()).hexdigest()
