"""The probes: what they send, in which order, and what they keep of it, against a server in memory."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from openvideos_conformance._core.outcomes import NotReachedError, UnsupportedError
from openvideos_conformance._probes.creates import PROMPTS, create, create_concurrently, create_of
from openvideos_conformance._probes.deletions import delete_concurrently, delete_doomed
from openvideos_conformance._probes.derived_jobs import create_character, edit_plain, extend_plain, remix_plain
from openvideos_conformance._probes.list_walks import next_page
from openvideos_conformance._probes.once import Probes, jobs_of, send_all
from openvideos_conformance._probes.unauthorized_requests import other_schemes
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.downloads import Files
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.recording_client import RecordingClient

from .synthetic_server import SyntheticServer, client_of, refusal, started


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll jobs without a pause: a synthetic server has them ready."""
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)


def is_create(request: httpx.Request) -> bool:
    """Tell whether a request is a plain create."""
    return request.method == "POST" and request.url.path.endswith("/videos")


def is_form(request: httpx.Request) -> bool:
    """Tell whether the body of a request is a form."""
    return str(request.headers.get("content-type")).startswith("multipart/form-data")


class TestCreates:
    @pytest.mark.parametrize("refuses_forms", [False, True])
    def test_are_forms_unless_the_server_has_refused_one(self, *, refuses_forms: bool) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            return refusal(415) if refuses_forms and is_create(request) and is_form(request) else None

        server = SyntheticServer(wrong)
        with client_of(server) as client, started(client, "plain") as jobs:
            exchange = create(client, jobs, {"prompt": "x"}, headers={"x-mark": "1"})
        assert exchange.is_ok
        last = server.sent("POST", "/videos")[-1]
        assert (not refuses_forms, "1") == (is_form(last), last.headers["x-mark"])

    def test_that_were_refused_are_still_exchanges(self) -> None:
        server = SyntheticServer(lambda request: refusal(422) if b"x_openvideos_unknown" in request.content else None)
        with client_of(server) as client, started(client, "plain", "unknown_field") as jobs:
            assert 422 == create_of(jobs, "unknown_field").status
            assert 200 == create_of(jobs, "plain").status

    @pytest.mark.parametrize("status", [429, 503])
    def test_that_an_overloaded_server_refuses_say_nothing(self, status: int) -> None:
        server = SyntheticServer(lambda _: refusal(status))
        with client_of(server, deadline=0.0) as client, pytest.raises(NotReachedError, match="overloaded") as caught:
            client.post("/videos", form={"prompt": "x"})
        assert [status] == [each.status for each in caught.value.exchanges]

    def test_beyond_the_videos_of_a_run_are_not_sent(self) -> None:
        server = SyntheticServer()
        with (
            client_of(server, max_videos=1) as client,
            started(client, "plain", "longest") as jobs,
            pytest.raises(NotReachedError, match="--max-videos"),
        ):
            create_of(jobs, "longest")
        assert 1 == len(server.sent("POST", "/videos"))


class TestConcurrentCreates:
    def test_are_under_way_at_once_and_the_first_comes_again(self) -> None:
        together = threading.Barrier(len(PROMPTS), timeout=10)

        def wrong(request: httpx.Request) -> None:
            if is_create(request) and b"quiet lake" not in request.content and len(server.jobs) <= 1:
                together.wait()

        server = SyntheticServer(wrong)
        with client_of(server, size="64x48") as client, started(client, "plain") as jobs:
            creates = create_concurrently(client, jobs)
        prompts = [client.mark.on_prompt(each) for each in (*PROMPTS, PROMPTS[0])]
        assert prompts == [each.created.request_fields["prompt"] for each in creates]
        assert {"64x48"} == {each.created.request_fields["size"] for each in creates}
        assert {"sora-2"} == {each.created.request_fields["model"] for each in creates}, "the contract's default"
        assert len(creates) == len({each.id for each in creates})
        for each in creates:
            assert each.id == each.retrieved.object["id"]
            assert each.id in {video["id"] for video in each.listed.object["data"]}

    def test_name_nothing_where_the_contracts_defaults_are_not_offered(self) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            return refusal(422) if is_create(request) and b'name="model"' in request.content else None

        with client_of(SyntheticServer(wrong)) as client, started(client, "plain") as jobs:
            creates = create_concurrently(client, jobs)
        assert len(PROMPTS) + 1 == len(creates)
        assert {frozenset({"prompt"})} == {frozenset(each.created.request_fields) for each in creates}

    @pytest.mark.parametrize(("status", "accepted"), [(500, 0), (422, 0), (500, 1)])
    def test_of_which_fewer_than_two_are_accepted_are_not_judged(self, status: int, accepted: int) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            is_plain = b"quiet lake" in request.content or (accepted and b"A door opens" in request.content)
            return refusal(status) if is_create(request) and not is_plain else None

        with (
            client_of(SyntheticServer(wrong)) as client,
            started(client, "plain") as jobs,
            pytest.raises(NotReachedError, match=f"{accepted} were accepted") as caught,
        ):
            create_concurrently(client, jobs)
        assert {status} == {each.status for each in caught.value.exchanges}


class TestDerivedJobs:
    def test_a_remix_stands_between_two_reads_of_its_source(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain") as jobs:
            remix = remix_plain(client, jobs)
        about = [each for each in server.requests if f"/{remix.source.id}" in each.url.path]
        assert ["GET", "POST", "GET"] == [each.method for each in about[-3:]]
        assert remix.source.id == remix.before.object["id"] == remix.after.object["id"]
        assert remix.source.id == remix.created.object["remixed_from_video_id"]
        sent = about[-2]
        assert (remix.key, remix.created.request_fields) == (sent.headers["idempotency-key"], json.loads(sent.content))

    @pytest.mark.parametrize(("own", "taken"), [("8", "8"), ("16", "5"), ("4", "4")])
    def test_an_extension_tries_durations_until_one_is_offered(self, own: str, taken: str) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            is_meant = request.url.path.endswith("/extensions")
            return refusal(422) if is_meant and json.loads(request.content)["seconds"] != taken else None

        server = SyntheticServer(wrong)
        with client_of(server, seconds=own) as client, started(client, "plain") as jobs:
            assert extend_plain(client, jobs).is_ok
        tried = [json.loads(each.content)["seconds"] for each in server.sent("POST", "/extensions")]
        assert (own, taken, len(tried)) == (tried[0], tried[-1], len(set(tried)))

    @pytest.mark.parametrize(("status", "tries"), [(422, 4), (500, 1), (404, 1)])
    def test_an_extension_that_is_refused_is_the_first_one(self, status: int, tries: int) -> None:
        server = SyntheticServer(lambda each: refusal(status) if each.url.path.endswith("/extensions") else None)
        with client_of(server, seconds="9") as client, started(client, "plain") as jobs:
            exchange = extend_plain(client, jobs)
        assert (status, "9", tries) == (
            exchange.status,
            exchange.request_fields["seconds"],
            len(server.sent("POST", "/extensions")),
        )

    @pytest.mark.parametrize("probe", [edit_plain, extend_plain])
    def test_have_a_key_and_are_followed(self, probe: Any) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain") as jobs:
            exchange = probe(client, jobs)
            name = "edit" if probe is edit_plain else "extension"
            assert jobs.completed(name).id == exchange.object["id"]
        assert client.run_id in exchange.request_header("idempotency-key")
        assert "video_1" == exchange.request_fields["video"]["id"]

    @pytest.mark.parametrize("probe", [remix_plain, edit_plain, extend_plain])
    def test_need_a_plain_job_that_has_completed(self, probe: Any) -> None:
        def wrong(request: httpx.Request) -> httpx.Response | None:
            is_read = request.method == "GET" and request.url.path.endswith("/video_1")
            return httpx.Response(200, json={**server.jobs["video_1"], "status": "failed"}) if is_read else None

        server = SyntheticServer(wrong)
        with (
            client_of(server) as client,
            started(client, "plain") as jobs,
            pytest.raises(NotReachedError, match="ended as 'failed'"),
        ):
            probe(client, jobs)

    def test_a_character_has_a_name_and_the_bytes_of_a_clip(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client:
            assert create_character(client, b"the clip").is_ok
        (request,) = server.sent("POST", "/characters")
        assert is_form(request)
        assert b"the clip" in request.content
        assert "Łovelace".encode() in request.content


class TestDeletions:
    def test_have_reads_of_other_jobs_and_of_the_list_around_them(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain", "json", "doomed", "longest") as jobs:
            deletion = delete_doomed(client, jobs)
        id_ = deletion.job.id
        assert id_ not in server.jobs
        assert id_ == deletion.deleted.object["id"]
        assert [404] * 3 == [each.status for each in (deletion.retrieved, deletion.content, deletion.again)]
        assert deletion.page_before.query == deletion.page_after.query
        assert f"after={id_}" in deletion.page_after.query
        assert deletion.page_before.is_before(deletion.deleted)
        assert deletion.deleted.is_before(deletion.page_after)
        assert len(deletion.others) == 2 * 3, "a status and a byte of each of the three others"
        for before, after in deletion.others:
            assert before.path == after.path != deletion.job.path
            assert (before.status, before.body) == (after.status, after.body)

    def test_have_a_page_in_the_direction_in_which_others_follow(self) -> None:
        """Creates are concurrent, so that the job may be the oldest."""

        def oldest(request: httpx.Request) -> httpx.Response | None:
            if "after" not in request.url.params or request.url.params.get("order") == "asc":
                return None
            return httpx.Response(200, json={"object": "list", "data": [], "has_more": False})

        with client_of(SyntheticServer(oldest)) as client, started(client, "plain", "json", "doomed") as jobs:
            deletion = delete_doomed(client, jobs)
        assert "order=asc" in deletion.page_before.query
        assert deletion.page_before.query == deletion.page_after.query

    def test_at_once_are_of_one_job_and_leave_its_neighbour(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain") as jobs:
            creates = create_concurrently(client, jobs)
            concurrent = delete_concurrently(client, creates)
        assert {creates[-1].path} == {each.path for each in concurrent.deletions}
        assert [200, 404, 404, 404] == sorted(each.status or 0 for each in concurrent.deletions)
        assert creates[-1].id not in server.jobs
        for before, after in concurrent.others:
            assert before.path.startswith(creates[0].path)
            assert (before.status, before.body) == (after.status, after.body)


def probes(client: RecordingClient, jobs: JobPool) -> Probes:
    """Return the probes of a run."""
    return Probes(client, jobs, Files(client, jobs), Capabilities(client, jobs))


class TestOnce:
    def test_a_probe_is_sent_once(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain") as jobs:
            sent = probes(client, jobs)
            assert sent.remix is sent.remix
        assert 1 == len(server.sent("POST", "/remix"))

    def test_a_page_follows_one_from_before_the_concurrent_creates(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain", "json", "longest") as jobs:
            late = probes(client, jobs).late_page
        lists = [index for index, each in enumerate(server.requests) if each.url.path.endswith("/videos")]
        first = next(index for index in lists if server.requests[index].url.params.get("limit") == "2")
        assert all(is_create(server.requests[index]) for index in lists if index < first)
        assert len(PROMPTS) + 1 == len(
            [index for index in lists if index > first and is_create(server.requests[index])]
        )
        assert "video_2" == late.request_fields["after"]
        assert ["video_1"] == [each["id"] for each in late.object["data"]]

    def test_a_page_without_a_cursor_has_no_next_one(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, pytest.raises(NotReachedError, match="no last_id"):
            next_page(client, client.get("/videos"))

    def test_one_that_cannot_be_sent_is_not_tried_again(self) -> None:
        server = SyntheticServer(lambda each: refusal(500) if b"quiet lake" not in each.content else None)
        with client_of(server, deadline=0.0) as client, started(client, "plain") as jobs:
            sent = probes(client, jobs)
            for _ in range(2):
                with pytest.raises(NotReachedError, match="were accepted"):
                    _ = sent.concurrent_creates
                with pytest.raises(NotReachedError, match="were accepted"):
                    _ = sent.concurrent_deletions
        assert len(PROMPTS) == len(server.sent("POST", "/videos")) - 1

    def test_those_of_a_rule_are_sent_and_what_fails_is_not_judged(self) -> None:
        server = SyntheticServer(lambda each: refusal(500) if b"A door opens" in each.content else None)
        with client_of(server, deadline=0.0) as client, started(client, "plain", "failing") as jobs:
            sent = probes(client, jobs)
            send_all(sent, ["failed_content", "remix", "downloads", "remix"])
            assert isinstance(sent.sent["failed_content"], UnsupportedError), "no prompt makes a job fail"
        assert 1 == len(server.sent("POST", "/remix"))
        assert [None, "bytes=3-12", None, None, None] == [
            each.headers.get("range") for each in server.sent("GET", "/content")[-5:]
        ]

    def test_a_job_that_was_to_fail_and_completed_is_not_downloaded(self) -> None:
        server = SyntheticServer()
        with client_of(server, failing_prompt="fail") as client, started(client, "plain", "failing") as jobs:
            with pytest.raises(NotReachedError, match="was to fail, and ended as 'completed'"):
                _ = probes(client, jobs).failed_content
            failing = jobs["failing"].path
        assert [] == server.sent("GET", f"{failing}/content")

    def test_wrong_methods_are_those_that_the_contract_does_not_have(self) -> None:
        server = SyntheticServer()
        with client_of(server) as client, started(client, "plain") as jobs:
            exchanges = probes(client, jobs).wrong_methods
        assert {"PUT", "PATCH", "GET", "POST"} == {each.method for each in exchanges}
        assert {None} == {each.operation for each in exchanges}

    @pytest.mark.parametrize("key", [None, "sk-openvideos-probes"])
    def test_one_of_each_has_wrong_authorizations_if_there_is_a_right_one(self, key: str | None) -> None:
        server = SyntheticServer()
        with client_of(server, api_key=key) as client, started(client, "plain") as jobs:
            _ = probes(client, jobs).one_of_each
        right = None if key is None else f"Bearer {key}"
        wrong = {each.headers.get("authorization") for each in server.requests} - {right}
        assert (0 if key is None else 1 + len(other_schemes(key))) == len(wrong)

    def test_what_it_costs_is_known_before(self) -> None:
        assert {"remix": 1, "walks": 3} == jobs_of(["remix", "walks", "jobs", "no_probe"])
        assert {"concurrent_deletions": 0, "concurrent_creates": len(PROMPTS) + 1} == jobs_of(["concurrent_deletions"])

    @pytest.mark.parametrize("name", ["concurrent_creates", "remix", "extension"])
    def test_and_no_more_is_started(self, name: str) -> None:
        server = SyntheticServer(
            lambda each: refusal(422) if each.url.path.endswith("/extensions") and b'"5"' not in each.content else None
        )
        with client_of(server) as client, started(client, "plain") as jobs:
            before = client.videos_started
            assert getattr(probes(client, jobs), name)
            assert client.videos_started - before <= jobs_of([name])[name]
