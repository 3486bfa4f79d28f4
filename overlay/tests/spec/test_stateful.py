"""The overlay and an emulator do what a dictionary of jobs says they do, whatever is called in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from openvideos import APIConnectionError, ConflictError, DownloadError, InternalServerError, NotFoundError, Video

from .world import JOB_SECONDS, START, Colour, World

prompts = st.text("abc é✓", min_size=1, max_size=8).filter(lambda text: bool(text.strip()))
sizes = st.sampled_from(["16x16", "32x16"])
durations = st.sampled_from(["1", "2"])
variants = st.sampled_from(["video", "thumbnail", "spritesheet"])


@define
class Job:
    """What the model knows of a job."""

    prompt: str
    size: str
    seconds: str
    began_at: float
    remixed_from: str | None = None
    fails: bool = False

    def status(self, now: float) -> str:
        """Return the status at a time."""
        share = (now - self.began_at) / JOB_SECONDS
        if share >= 1:
            return "failed" if self.fails else "completed"
        return "queued" if share < 0.1 else "in_progress"


class Jobs(RuleBasedStateMachine):
    """A client, an emulator, and the dictionary that says how the emulator's jobs must be."""

    is_async = False
    ids = Bundle("ids")

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.world = World()
        self.videos = Colour(self.world, is_async=self.is_async)
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.ended: set[str] = set()

    def teardown(self) -> None:
        """End the emulator."""
        self.world.close()

    @initialize(target=ids, count=st.integers(0, 5))
    def begin(self, count: int) -> Any:
        """Begin with some jobs that have ended, so that a list has pages."""
        for index in range(count):
            job = Job(f"seeded {index}", "16x16", "1", began_at=START - 100 + index)
            said = {"prompt": job.prompt, "size": job.size, "seconds": job.seconds, "created_at": int(job.began_at)}
            self.jobs[self.world.control("POST", "jobs", said)["id"]] = job
        return multiple(*self.jobs)

    def started(self, video: Video, job: Job) -> str:
        """Take a job over into the model, and return its id."""
        assert video.id not in self.jobs
        self.jobs[video.id] = job
        self.assert_is(video, job)
        return video.id

    def assert_is(self, video: Video, job: Job) -> None:
        """Compare a video with the model."""
        wanted = (job.prompt, job.size, job.seconds, job.remixed_from, job.status(self.world.now))
        assert wanted == (video.prompt, video.size, video.seconds, video.remixed_from_video_id, video.status)
        assert (video.status == "failed") == (video.error is not None)
        assert (video.completed_at is not None) == (video.status in {"completed", "failed"})

    def refused(self, kind: type[Exception], name: str, *arguments: Any, **named: Any) -> None:
        """Call what is refused."""
        with pytest.raises(kind):
            self.videos.call(name, *arguments, **named)

    @rule(target=ids, prompt=prompts, size=sizes, seconds=durations, fails=st.booleans(), is_file=st.booleans())
    def create(self, prompt: str, size: str, seconds: str, *, fails: bool, is_file: bool) -> str:
        prompt = f"{prompt} [fail]" if fails else prompt
        more: dict[str, Any] = {"input_reference": ("a.png", PNG)} if is_file else {}
        video = self.videos.call("create", prompt=prompt, size=size, seconds=int(seconds), **more)
        return self.started(video, Job(prompt, size, seconds, self.world.now, fails=fails))

    @rule(target=ids, prompt=prompts)
    def create_and_poll(self, prompt: str) -> str:
        began_at = self.world.now
        video = self.videos.call("create_and_poll", prompt=prompt, size="16x16", seconds="1")
        assert "completed" == video.status
        return self.started(video, Job(prompt, "16x16", "1", began_at))

    @rule(target=ids, prompt=prompts, key=st.sampled_from(["key-1", "key-2"]))
    def create_under_a_key(self, prompt: str, key: str) -> Any:
        """Check that a key names one job: the same words give it again, others are refused."""
        call: dict[str, Any] = {
            "prompt": prompt,
            "size": "16x16",
            "seconds": "1",
            "extra_headers": {"Idempotency-Key": key},
        }
        if key not in self.keys:
            video = self.videos.call("create", **call)
            self.keys[key] = (prompt, video.id)
            return self.started(video, Job(prompt, "16x16", "1", self.world.now))
        if self.keys[key][0] != prompt:
            self.refused(ConflictError, "create", **call)
        elif self.keys[key][1] in self.jobs:
            assert self.videos.call("create", **call).id == self.keys[key][1]
        return multiple()

    @rule(prompt=prompts, lost=st.sampled_from(["answer", "500"]))
    def create_whose_answer_is_lost(self, prompt: str, lost: str) -> None:
        """Check that a job that may have been started is started once, and found in the list."""
        self.world.seen.clear()
        if lost == "answer":
            self.world.answers_to_break.append("after")
        else:
            self.world.control("POST", "faults", {"operation": "create_video", "status": 500, "carried_out": True})
        kind = APIConnectionError if lost == "answer" else InternalServerError
        self.refused(kind, "create", prompt=prompt, size="16x16", seconds="1")
        assert ["POST"] == self.world.seen
        (new,) = {video.id for video in self.videos.collect("list")} - set(self.jobs)
        self.jobs[new] = Job(prompt, "16x16", "1", self.world.now)

    @rule(target=ids, prompt=prompts, lost=st.sampled_from(["before", "429", "503", "after"]))
    def create_that_is_sent_again(self, prompt: str, lost: str) -> str:
        """Check that what was not accepted is sent again, and what may have been under one key alone."""
        self.world.seen.clear()
        began_at = self.world.now
        if lost in {"before", "after"}:
            self.world.answers_to_break.append(lost)
        else:
            fault = {"operation": "create_video", "status": int(lost), "headers": {"Retry-After": "1"}}
            self.world.control("POST", "faults", fault)
        given = {"prompt": prompt, "size": "16x16", "seconds": "1"}
        video = self.videos.call("idempotent:create" if lost == "after" else "create", **given)
        assert ["POST", "POST"] == self.world.seen
        began_at = began_at if lost == "after" else self.world.now
        return self.started(video, Job(prompt, "16x16", "1", began_at))

    @rule(video_id=ids)
    def retrieve(self, video_id: str) -> None:
        if video_id in self.jobs:
            self.assert_is(self.videos.call("retrieve", video_id), self.jobs[video_id])
        else:
            self.refused(NotFoundError, "retrieve", video_id)

    @rule(video_id=ids)
    def poll(self, video_id: str) -> None:
        if video_id in self.jobs:
            video = self.videos.call("poll", video_id)
            assert video.status in {"completed", "failed"}
            self.assert_is(video, self.jobs[video_id])

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def wait_many(self, data: st.DataObject) -> None:
        wanted = data.draw(st.lists(st.sampled_from(list(self.jobs)), unique=True, max_size=4))
        found = self.videos.collect("wait_many", wanted)
        assert sorted(wanted) == sorted(video.id for video in found)
        assert all(video.status in {"completed", "failed"} for video in found)

    @rule(seconds=st.sampled_from([0.25, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.world.sleep(seconds)

    @rule(video_id=consumes(ids))
    def delete(self, video_id: str) -> None:
        if video_id in self.jobs:
            gone = self.videos.call("delete", video_id)
            assert (video_id, True) == (gone.id, gone.deleted)
            del self.jobs[video_id]
        self.refused(NotFoundError, "retrieve", video_id)
        self.refused(NotFoundError, "delete", video_id)

    @rule(target=ids, video_id=ids, prompt=prompts, how=st.sampled_from(["remix", "edit", "extend"]))
    def derive(self, video_id: str, prompt: str, how: str) -> Any:
        """Check remix, edit and extend: a new job of a completed one, a ConflictError of another."""
        given: dict[str, Any] = {"prompt": prompt} | ({"seconds": 2} if how == "extend" else {})
        arguments = (video_id,) if how == "remix" else ()
        given |= {} if how == "remix" else {"video": video_id}
        source = self.jobs.get(video_id)
        if source is None or source.status(self.world.now) != "completed":
            self.refused(NotFoundError if source is None else ConflictError, how, *arguments, **given)
            return multiple()
        video = self.videos.call(how, *arguments, **given)
        seconds = str(int(source.seconds) + 2) if how == "extend" else source.seconds
        remixed = video_id if how == "remix" else None
        return self.started(video, Job(prompt, source.size, seconds, self.world.now, remixed))

    @rule(video_id=ids, variant=variants, cuts=st.lists(st.integers(0, 400), max_size=4))
    def download(self, video_id: str, variant: str, cuts: list[int]) -> None:
        """Check that a file is the same in memory, on the disk, and in pieces; and that none is left if it breaks."""
        target = self.world.directory / "file"
        target.unlink(missing_ok=True)
        job = self.jobs.get(video_id)
        if job is None or job.status(self.world.now) != "completed":
            kind = NotFoundError if job is None else ConflictError
            self.refused(kind, "download_content", video_id)
            self.refused(kind, "download", video_id, target)
            return
        content = self.videos.call("download_content", video_id, variant=variant).content
        assert content
        self.world.bodies_to_cut = list(cuts)
        try:
            self.videos.call("download", video_id, target, variant=variant)
        except (APIConnectionError, DownloadError):
            assert cuts
            assert not target.exists()
        else:
            assert content == target.read_bytes()
        self.world.bodies_to_cut = []
        assert {path.name for path in self.world.directory.iterdir()} <= {"file"}

    @rule(limit=st.integers(1, 4), order=st.sampled_from(["asc", "desc"]))
    def walk(self, limit: int, order: str) -> None:
        self.world.seen.clear()
        found = [video.id for video in self.videos.collect("list", limit=limit, order=order)]
        assert len(self.world.seen) == max(1, -(-len(self.jobs) // limit)), "a page was asked for twice"
        assert found == (list(self.jobs) if order == "asc" else list(self.jobs)[::-1])

    @rule(data=st.data(), limit=st.integers(1, 4), order=st.sampled_from(["asc", "desc"]))
    def one_page(self, data: st.DataObject, limit: int, order: str) -> None:
        after = data.draw(st.sampled_from([*self.jobs, "nobody"]))
        if after == "nobody":
            self.refused(NotFoundError, "list", after=after)
            return
        ordered = list(self.jobs) if order == "asc" else list(self.jobs)[::-1]
        behind = ordered[ordered.index(after) + 1 :]
        page = self.videos.call("list", after=after, limit=limit, order=order)
        assert behind[:limit] == [video.id for video in page.data]
        assert page.has_more == (len(behind) > limit)
        assert (page.first_id, page.last_id) == ((behind[0], behind[:limit][-1]) if behind else (None, None))

    @invariant()
    def has_the_models_jobs(self) -> None:
        state = self.world.control("GET", "state")
        assert list(self.jobs) == [job["id"] for job in state["jobs"]]
        assert [job.status(self.world.now) for job in self.jobs.values()] == [job["status"] for job in state["jobs"]]
        assert [] == state["faults"] == self.world.answers_to_break

    @invariant()
    def never_leaves_an_end(self) -> None:
        now = {key for key, job in self.jobs.items() if job.status(self.world.now) in {"completed", "failed"}}
        assert self.ended & self.jobs.keys() <= now
        self.ended = now
        assert self.world.now >= START


class AwaitedJobs(Jobs):
    """The same with the async client."""

    is_async = True


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c63600000000200012109e8330000000049454e44ae426082"
)
OFTEN = settings(
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@pytest.mark.timeout(600)  # the full run makes a hundred histories
@pytest.mark.hypothesis
@pytest.mark.parametrize("machine", [Jobs, pytest.param(AwaitedJobs, marks=pytest.mark.full)])
def test_jobs_are_what_the_model_says(machine: type[Jobs]) -> None:
    run_state_machine_as_test(machine, settings=OFTEN)
