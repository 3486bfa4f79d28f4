"""Do what the operations of the contract do, over one store; knows no HTTP and no event loop.

Every method may be called from any thread, and is quick: what takes long (rendering) is handed out as a future. The
faces (an ASGI app, a process, later a pytest fixture) are thin, and share this one engine.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Final

from openvideos_emulator._errors import Reason, RefusalError, shown
from openvideos_emulator._faults import FaultPlan
from openvideos_emulator._jobs import (
    Failure,
    Job,
    Pace,
    Recipe,
    State,
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
from openvideos_emulator._media import Media, MediaLibrary, Variant
from openvideos_emulator._profiles import DEFAULT, Profile
from openvideos_emulator._seeds import FAILURE, Seed, seeded
from openvideos_emulator._store import Character, Claim, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

_SWEPT_EVERY: Final = 600.0
_KEPT_SECONDS: Final = 86_400  # how long the files of a completed job can be downloaded


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job as it stood at one moment, with the advice when to ask again (None once it has ended)."""

    job: Job
    state: State
    poll_after_ms: int | None = None

    @property
    def expires_at(self) -> float | None:
        """Tell when the files go, in Unix seconds; None for a job without files."""
        ended_at = self.state.ended_at
        return None if ended_at is None or self.state.status is not Status.COMPLETED else ended_at + _KEPT_SECONDS


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    snapshots: tuple[Snapshot, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key and the fingerprint of the request that carries it."""

    key: str
    fingerprint: str


class Engine:
    """All jobs of one server, and the rules by which they live."""

    def __init__(
        self,
        *,
        database: Path | None = None,
        pace: Pace | None = None,
        profile: Profile = DEFAULT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the database (in memory if None); media lie beside it. StartError if they cannot be used."""
        self.profile = profile
        self.faults = FaultPlan()
        self.pace = pace or Pace(seconds=0.0)
        self._clock = clock
        self._clock_lock = threading.Lock()
        self._store = Store(database)
        try:
            self._media = MediaLibrary(database and database.with_name(f"{database.name}-media"))
        except BaseException:
            self._store.close()
            raise
        # A clock that was set back must not set jobs back: time stands still until it has caught up.
        self._latest, self._ahead = self._store.latest(), self._store.ahead()
        self._media.keep_only(self._recipes_with_files(), with_parts=True)
        self._swept_at = self._now()

    def close(self) -> None:
        """Stop rendering and close the database."""
        self._media.close()
        self._store.close()

    def create(self, recipe: Recipe, *, remixed_from: str | None = None, once: Once | None = None) -> Snapshot:
        """Start a job; a repeated `once` gives the job that it started before."""
        with self._store.transaction():
            repeated = self._repeated_job(once)
            if repeated is not None:
                return self._snapshot(repeated)
            now = self._now()
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
            self._claim(once, job.id)
        return Snapshot(job, first_state(), poll_after_ms(job, now=now))

    def remix(self, video_id: str, prompt: str, *, once: Once | None = None) -> Snapshot:
        """Start a job that makes a completed video anew with another prompt."""
        with self._store.transaction():
            recipe = self._source(video_id, "remixed", once, param="video_id")
            return self.create(replace(recipe, prompt=prompt), remixed_from=video_id, once=once)

    def edit(self, video_id: str, prompt: str, *, once: Once | None = None) -> Snapshot:
        """Start a job that changes a completed video."""
        with self._store.transaction():
            recipe = self._source(video_id, "edited", once, param="video.id")
            return self.create(replace(recipe, prompt=prompt, seed=_derived("edit", recipe)), once=once)

    def extend(self, video_id: str, prompt: str, seconds: int, *, once: Once | None = None) -> Snapshot:
        """Start a job that goes on where a completed video ends, for `seconds` more."""
        with self._store.transaction():
            recipe = self._source(video_id, "extended", once, param="video.id")
            total = recipe.seconds + seconds
            if self._repeated_job(once) is None:
                self.profile.check_total(total, param="seconds")
            seed = _derived("extend", recipe)
            return self.create(replace(recipe, prompt=prompt, seconds=total, seed=seed), once=once)

    def retrieve(self, video_id: str, *, counted: bool = True) -> Snapshot:
        """Read a job's status; unless `counted` is false, that brings a `polls` job nearer to its end."""
        with self._store.transaction():
            job = self._found(video_id)
            return self._read([job])[0] if counted else self._snapshot(job)

    def page(self, *, after: str | None, limit: int, ascending: bool, counted: bool = True) -> Page:
        """Read a page of jobs, and the status of each; `after` may name a deleted job."""
        with self._store.transaction():
            cursor = None if after is None else self._store.cursor(after)
            if after is not None and cursor is None:
                message = f"after is {shown(after)}; no video ever had that id. Pass the last_id of a page."
                raise RefusalError(Reason.NOT_FOUND, message, code="not_found", param="after")
            jobs = self._store.jobs(after=cursor, limit=limit + 1, ascending=ascending)
            read = self._read(jobs[:limit]) if counted else [self._snapshot(job) for job in jobs[:limit]]
            return Page(tuple(read), has_more=len(jobs) > limit)

    def delete(self, video_id: str) -> None:
        """Delete a job in any state, and its files."""
        with self._store.transaction():
            job = self._found(video_id)
            self._store.delete(job)
            is_used = self._store.uses(job.recipe)
        if not is_used:
            self._media.discard(job.recipe)

    def request_content(self, video_id: str, variant: Variant) -> Future[None]:
        """Start to make a file of a completed job; when the future ends, `open_content` gives it."""
        if self._now() >= self._swept_at + _SWEPT_EVERY:
            self._sweep()
        recipe = self._downloadable(video_id).recipe
        future = self._media.request(recipe, variant)
        future.add_done_callback(lambda _: self._forget_orphan(recipe))
        return future

    def open_content(self, video_id: str, variant: Variant) -> Media | None:
        """Open a file of a completed job; None if it is not there (any more): request it again."""
        recipe = self._downloadable(video_id).recipe
        try:
            return self._media.open(recipe, variant)
        except FileNotFoundError:
            return None

    def create_character(self, name: str, digest: str, *, once: Once | None = None) -> Character:
        """Store a character; a repeated `once` gives the one that it made before."""
        with self._store.transaction():
            made = self._claimed(once)
            if made is not None:
                return self.character(made)
            id_ = f"char_{secrets.token_hex(16)}"
            character = Character(id=id_, created_at=int(self._now()), name=name, digest=digest)
            self._store.add_character(character)
            self._claim(once, id_)
        return character

    def character(self, character_id: str) -> Character:
        """Find a character."""
        character = self._store.character(character_id)
        if character is None:
            message = f"No character has the id {shown(character_id)}."
            raise RefusalError(Reason.NOT_FOUND, message, code="not_found", param="character_id")
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
        """Move jobs forward by hand, and give those that have moved; with nothing said, all to their ends.

        `seconds` moves the clock, unless `jobs` names the only ones to move; `polls` counts that many reads. `to` ends
        jobs as `COMPLETED` or, with `failure` as the reason, as `FAILED`, whatever their prompts say.
        """
        step = Step(seconds=seconds, polls=polls, to_end=to is not None or not (seconds or polls))
        with self._store.transaction():
            chosen = list(self._store.all_jobs()) if jobs is None else [self._found(id_, param="jobs") for id_ in jobs]
            before = [self._snapshot(job) for job in chosen]
            if jobs is None and seconds:
                self._move_clock(seconds)
            now = self._now()
            # The clock has moved the jobs that run by it already.
            kept = replace(step, seconds=0.0) if jobs is None else step
            moved = [
                advanced(_bound_for(was.job, to, failure), step if was.job.pace.by_hand else kept, now=now)
                for was in before
                if was.state.ended_at is None
            ]
            self._store.move(moved)
            stood = {was.job.id: was.state for was in before}
            after = [self._snapshot(job) for job in moved]
        return [snapshot for snapshot in after if snapshot.state != stood[snapshot.job.id]]

    def seed(self, seed: Seed) -> Snapshot:
        """Add a job that stands in any state."""
        self.profile.check_size(seed.size)
        self.profile.check_total(seed.seconds, param="seconds")
        with self._store.transaction():
            id_ = seed.id or f"video_{secrets.token_hex(16)}"
            if self._store.cursor(id_) is not None:
                message = f"There is or was a video with the id {shown(id_)}; seed another id, or reset first."
                raise RefusalError(Reason.CONFLICT, message, code="id_taken", param="id")
            return self._snapshot(self._store.add(seeded(seed, id_=id_, now=self._now())))

    def reset(self) -> None:
        """Forget all jobs, characters, idempotency keys and faults, and set the clock right again."""
        self.faults.clear()
        with self._store.transaction():
            recipes = {job.recipe for job in self._store.all_jobs()}
            self._store.clear()
            with self._clock_lock:
                self._latest = self._ahead = 0.0
        for recipe in recipes:
            self._media.discard(recipe)

    def state(self) -> tuple[float, list[Snapshot]]:
        """Give the time and all jobs, the oldest first; that counts as no read of their statuses."""
        with self._store.transaction():
            return self._now(), [self._snapshot(job) for job in self._store.all_jobs()]

    def _recipes_with_files(self) -> Iterator[Recipe]:
        for snapshot in map(self._snapshot, self._store.all_jobs()):
            if snapshot.expires_at is None or self._now() < snapshot.expires_at:
                yield snapshot.job.recipe

    def _sweep(self) -> None:
        """Remove the files whose time is up."""
        self._swept_at = self._now()
        with self._store.transaction():
            kept = list(self._recipes_with_files())
        self._media.keep_only(kept)

    def _forget_orphan(self, recipe: Recipe) -> None:
        # Its last job may have been deleted while the file was being made.
        if not self._store.uses(recipe):
            self._media.discard(recipe)

    def _now(self) -> float:
        with self._clock_lock:
            self._latest = max(self._latest, self._clock() + self._ahead)
            return self._latest

    def _move_clock(self, seconds: float) -> None:
        now = self._now()
        with self._clock_lock:
            self._ahead += seconds
            self._latest = now + seconds  # also where the clock stood still, until it had caught up
        self._store.set_ahead(self._ahead)

    def _found(self, video_id: str, *, param: str = "video_id") -> Job:
        job = self._store.job(video_id)
        if job is None:
            message = f"No video has the id {shown(video_id)}."
            raise RefusalError(Reason.NOT_FOUND, message, code="not_found", param=param)
        return job

    def _snapshot(self, job: Job) -> Snapshot:
        now = self._now()
        state = state_of(job, now=now)
        return Snapshot(job, state, poll_after_ms(job, now=now) if state.ended_at is None else None)

    def _read(self, jobs: list[Job]) -> list[Snapshot]:
        counted = {job.id: self._counted(job) for job in jobs if is_counted(job)}
        if counted:
            self._store.move(counted.values())
        return [self._snapshot(counted.get(job.id, job)) for job in jobs]

    def _counted(self, job: Job) -> Job:
        job = replace(job, reads=job.reads + 1)
        return job if is_counted(job) else replace(job, ended_at=self._now())

    def _completed(self, video_id: str, wish: str, *, param: str) -> Snapshot:
        snapshot = self._snapshot(self._found(video_id, param=param))
        status = snapshot.state.status
        if status is not Status.COMPLETED:
            way_out = "create another" if status is Status.FAILED else "poll it until it is completed"
            message = f"The video {shown(video_id)} is {status.value}; only a completed video can be {wish}: {way_out}."
            code = "video_failed" if status is Status.FAILED else "video_not_ready"
            raise RefusalError(Reason.CONFLICT, message, code=code)
        return snapshot

    def _source(self, video_id: str, wish: str, once: Once | None, *, param: str) -> Recipe:
        repeated = self._repeated_job(once)
        if repeated is not None:
            return repeated.recipe  # the source may be gone by now, and the repetition still holds
        return self._completed(video_id, wish, param=param).job.recipe

    def _downloadable(self, video_id: str) -> Job:
        snapshot = self._completed(video_id, "downloaded", param="video_id")
        expires_at = snapshot.expires_at
        if expires_at is not None and self._now() >= expires_at:
            if self._swept_at < expires_at:
                self._sweep()
            message = f"The content of the video {shown(video_id)} expired at {int(expires_at)}."
            raise RefusalError(Reason.GONE, message, code="video_expired")
        return snapshot.job

    def _repeated_job(self, once: Once | None) -> Job | None:
        """Find the job that an earlier request with this key started; None if there was no such request."""
        made = self._claimed(once)
        job = None if made is None else self._store.job(made)
        if made is not None and job is None:
            message = f"The Idempotency-Key was used for {made}, which was deleted since; use a new key for a new job."
            raise RefusalError(Reason.CONFLICT, message, code="idempotency_key_reused", param="Idempotency-Key")
        return job

    def _claimed(self, once: Once | None) -> str | None:
        claim = None if once is None else self._store.claim(once.key)
        if claim is None or once is None:
            return None
        if not secrets.compare_digest(claim.fingerprint, once.fingerprint):
            message = "The Idempotency-Key was used for another request; use a new key for a new request."
            raise RefusalError(Reason.CONFLICT, message, code="idempotency_key_reused", param="Idempotency-Key")
        return claim.resource_id

    def _claim(self, once: Once | None, resource_id: str) -> None:
        if once is not None:
            self._store.add_claim(Claim(once.key, once.fingerprint, resource_id))


def _bound_for(job: Job, to: Status | None, failure: Failure | None) -> Job:
    if to is Status.COMPLETED:
        return replace(job, failure=None)
    return replace(job, failure=failure or job.failure or FAILURE) if to is Status.FAILED else job


def _derived(operation: str, source: Recipe) -> str:
    return hashlib.sha256(repr((operation, astuple(source))).encode()).hexdigest()
