"""The pool of jobs: when it asks for the content of a job, what it takes for its end, and whom its jobs belong to."""

from __future__ import annotations

from itertools import count

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.curl import curl
from openvideos_conformance._core.exchange import OTHER_CALLER
from openvideos_conformance._core.outcomes import NotReachedError, ViolationError
from openvideos_conformance._core.own_jobs import present_ids
from openvideos_conformance._core.redaction import secrets_of
from openvideos_conformance._history.registry import Traffic
from openvideos_conformance._judging.assertions import expect_completed
from openvideos_conformance._probes.other_caller import ask_as_another
from openvideos_conformance._server.cleanup import clean_up

from .histories import CALM, judged
from .synthetic_server import BASE_URL, Answer, SyntheticServer, client_of, refusal, started

OWN, OTHER = "sk-of-the-run-0123456789", "sk-of-another-0123456789"


@pytest.fixture(autouse=True, scope="module")
def _at_once() -> None:
    """Poll jobs without a pause."""
    patch = pytest.MonkeyPatch()
    for name in ("_FIRST_PAUSE", "_LONGEST_PAUSE", "_LONGEST_WATCH"):
        patch.setattr(f"openvideos_conformance._server.jobs.{name}", 0.0)


def running_for(polls: int, content_from: int, *, status: int = 409) -> Answer:
    """Return what a server answers whose job runs for some polls, and whose file is there after some of them."""
    reads = count(1)
    seen = [0]

    def wrong(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" and request.url.path.endswith("/video_1"):
            seen[0] = next(reads)
            return httpx.Response(200, json={"id": "video_1", "status": "queued"}) if seen[0] <= polls else None
        is_early = request.url.path.endswith("/content") and seen[0] < content_from
        return refusal(status) if is_early else None

    return wrong


class TestTheContent:
    @CALM
    @given(polls=st.integers(0, 5), content_from=st.integers(0, 6))
    def test_is_asked_for_before_each_poll_until_it_is_returned_and_then(self, polls: int, content_from: int) -> None:
        server = SyntheticServer(running_for(polls, content_from))
        with client_of(server) as client, started(client, "plain") as jobs:
            jobs.ended("plain")
        steps = ["content" if each.url.path.endswith("/content") else "poll" for each in server.requests[1:]]
        asked = min(polls + 1, content_from + 1)
        at_once = ["content"] if content_from > polls else []  # it was refused until the job was completed
        assert ["content", "poll"] * asked + ["poll"] * (polls + 1 - asked) + at_once == steps

    def test_of_a_job_that_runs_breaks_a_rule(self) -> None:
        with client_of(SyntheticServer(running_for(3, 2))) as client, started(client, "plain") as jobs:
            jobs.ended("plain")
        assert (
            "and after that the job was queued"
            in judged("VID-CONTENT-008", Traffic(client.history)).findings[0].message
        )

    def test_of_other_jobs_is_not(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "doomed") as jobs:
            jobs.ended("doomed")
        assert [] == server.sent("GET", "/content")


class TestTheEnd:
    @pytest.mark.parametrize("status", [200, 500, 502])
    def test_may_be_told_in_an_error(self, status: int) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            failed = {"id": "video_1", "status": "failed", "error": {"code": "oom", "message": "no memory"}}
            return httpx.Response(status, json=failed) if request.url.path.endswith("/video_1") else None

        with client_of(SyntheticServer(wrong)) as client, started(client, "failing", "plain") as jobs:
            assert "failed" == jobs.ended("plain").status
            assert "oom" == jobs.ended("plain").video["error"]["code"]

    def test_of_a_derived_job_is_waited_for(self) -> None:
        with client_of(SyntheticServer()) as client, started(client, "plain") as jobs:
            jobs.follow("remix", client.post("/videos/video_1/remix", json={"prompt": "x"}))
            assert "completed" == jobs.completed("remix").status

    def test_of_a_derived_job_that_was_refused_does_not_come(self) -> None:
        server = SyntheticServer(lambda each: refusal(422) if "/remix" in each.url.path else None)
        with client_of(server) as client, started(client, "plain") as jobs:
            jobs.follow("remix", client.post("/videos/video_1/remix", json={"prompt": "x"}))
            with pytest.raises(NotReachedError, match="the remix was not accepted"):
                jobs.ended("remix")


class TestAJobThatFails:
    @pytest.mark.parametrize("code", ["internal_error", "oom", "video_failed", "400", ""])
    def test_without_a_good_reason_breaks_a_promise(self, code: str) -> None:
        error = {"code": code, "message": "no"}
        with pytest.raises(ViolationError, match="the job failed, because of "):
            expect_completed({"status": "failed", "error": error}, "the job")
        with pytest.raises(ViolationError, match="without an error"):
            expect_completed({"status": "failed", "error": None}, "the job")

    @pytest.mark.parametrize("code", ["content_policy_violation", "moderation_blocked", "unsupported_size", "SAFETY"])
    def test_since_it_is_refused_or_not_offered_says_nothing(self, code: str) -> None:
        with pytest.raises(NotReachedError, match=f"with the code '{code}'"):
            expect_completed({"status": "failed", "error": {"code": code, "message": "no"}}, "the job")

    def test_or_not_is_seen_at_its_end(self) -> None:
        expect_completed({"status": "completed", "error": None}, "the job")
        with pytest.raises(NotReachedError, match="'queued'"):
            expect_completed({"status": "queued"}, "the job")


class TestAnotherCaller:
    def test_is_one_whose_key_is_sent_and_kept_secret(self) -> None:
        server = SyntheticServer()
        with client_of(server, api_key=OWN, other_api_key=OTHER) as client:
            exchange = ask_as_another(client, "GET", "/videos")
        assert [f"Bearer {OTHER}"] == [each.headers["authorization"] for each in server.requests]
        assert {OWN, OTHER} <= {*secrets_of(client.target)}
        assert OTHER not in repr((exchange, client.target))
        assert curl(exchange, BASE_URL, b"").endswith('-H "Authorization: Bearer $OPENVIDEOS_OTHER_API_KEY"')
        assert not exchange.has_key

    @pytest.mark.parametrize("status", [401, None])
    def test_whose_key_is_refused_or_missing_cannot_be_asked(self, status: int | None) -> None:
        server = SyntheticServer(lambda _: refusal(401))
        with client_of(server, other_api_key=OTHER if status else None) as client, pytest.raises(NotReachedError):
            ask_as_another(client, "GET", "/videos")

    def test_has_jobs_that_are_none_of_the_run_and_are_deleted_with_his_key(self) -> None:
        server = SyntheticServer()
        with client_of(server, api_key=OWN, other_api_key=OTHER) as client:
            own = client.post("/videos", json={"prompt": "x"})
            other = ask_as_another(client, "POST", "/videos", json={"prompt": "x"})
            assert [own.object["id"]] == present_ids(client.history)
            assert [own.object["id"]] == [start.id for start in Traffic(client.history).starts]
            assert [] == clean_up(client).left_over
        keys = {each.url.path.rpartition("/")[2]: each.headers["authorization"] for each in server.sent("DELETE", "")}
        assert {own.object["id"]: f"Bearer {OWN}", other.object["id"]: f"Bearer {OTHER}"} == keys
        assert OTHER_CALLER == other.layer
