"""A completed job has a URL of its file, which needs no key, and a duration."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator._engine.snapshot import Snapshot
from openvideos_emulator._http.media_urls import MediaUrls, in_origin_form, origin_of
from openvideos_emulator._http.responses import video_json
from openvideos_emulator._model.jobs import Job, Pace, Recipe, Sampling, State, Status
from openvideos_emulator._model.refusals import Reason, RefusalError

from .conftest import CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server

ORIGIN = "http://127.0.0.1:8000"
DAY = 86_400


def snapshot(status: Status, id_: str = "video_1", sampling: Sampling | None = None) -> Snapshot:
    recipe = Recipe("A cat", "sora-2", "64x48", 1, sampling=sampling or Sampling())
    job = Job(id_, 1, 1_800_000_000, 1.8e9, recipe, Pace(seconds=0.0))
    return Snapshot(job, State(status, 100, 1.8e9 if status is Status.COMPLETED else None))


class TestUrls:
    @given(id_=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
    def test_a_url_names_its_job(self, id_: str) -> None:
        urls = MediaUrls(b"secret")
        url = httpx.URL(urls.url_of(snapshot(Status.COMPLETED, id_), ORIGIN) or "")
        assert "http" == url.scheme
        assert id_ == urls.video_id(url.raw_path.partition(b"?")[0].decode(), url.query)

    @given(path=st.text(max_size=60), query=st.binary(max_size=60))
    def test_no_other_request_fetches_a_file(self, path: str, query: bytes) -> None:
        for raw_path in (path, f"/files/{path}.mp4"):
            with pytest.raises(RefusalError) as refusal:
                MediaUrls(b"secret").video_id(raw_path, query)
            assert refusal.value.reason in {Reason.NOT_FOUND, Reason.UNAUTHORIZED}

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS, Status.FAILED])
    def test_only_a_completed_job_has_one(self, status: Status) -> None:
        assert MediaUrls(b"secret").url_of(snapshot(status), ORIGIN) is None

    @pytest.mark.parametrize(
        ("host", "origin"),
        [
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("emulator", "http://emulator"),
            ("[::1]:8000", "http://[::1]:8000"),
            ("evil/@x", "http://127.0.0.1:1"),
            ("", "http://127.0.0.1:1"),
        ],
    )
    def test_it_leads_to_where_the_client_reached_the_server(self, host: str, origin: str) -> None:
        headers = [(b"host", host.encode())] if host else []
        assert origin == origin_of({"scheme": "http", "headers": headers, "server": ("127.0.0.1", 1)})

    @pytest.mark.parametrize(
        ("scheme", "expected"), [("http", "http"), ("https", "https"), ("wss", "http"), ("javascript", "http")]
    )
    def test_it_is_one_of_http(self, scheme: str, expected: str) -> None:
        """A proxy may say other words in X-Forwarded-Proto."""
        assert f"{expected}://box:1" == origin_of({"headers": [(b"host", b"box:1")], "scheme": scheme})

    def test_an_address_of_ipv6_is_in_brackets(self) -> None:
        assert "http://[::1]:1" == origin_of({"scheme": "http", "headers": [], "server": ("::1", 1)})


@pytest.mark.parametrize("rest", ["", "/", "/v1/videos", "/files/a%20b.mp4"])
@pytest.mark.parametrize("whole", ["http://box:1", "HTTPS://box", ""])
def test_a_target_may_be_a_whole_url(whole: str, rest: str) -> None:
    target = f"{whole}{rest}"
    found = in_origin_form({"raw_path": target.encode(), "path": unquote(target), "method": "GET"})
    expected = rest or ("/" if whole else "")
    assert (expected, unquote(expected)) == (found["raw_path"].decode(), found["path"])


class TestDurations:
    @given(frames=st.integers(1, 2000), fps=st.integers(1, 60))
    def test_the_duration_is_the_nearest_whole_second(self, frames: int, fps: int) -> None:
        made = snapshot(Status.COMPLETED, sampling=Sampling(fps=fps, num_frames=frames))
        video = video_json(made, url=None)
        assert abs(Fraction(frames, fps) - video["duration"]) <= Fraction(1, 2)
        assert abs(float(video["seconds"]) - video["duration"]) < 1

    def test_half_a_second_is_rounded_up(self) -> None:
        for frames, rounded in ((8, 1), (24, 2), (40, 3)):
            video = video_json(snapshot(Status.COMPLETED, sampling=Sampling(fps=16, num_frames=frames)), url=None)
            assert video["duration"] == rounded == math.floor(frames / 16 + 0.5)


class TestFiles:
    def test_the_url_is_the_content_without_a_key(self, serve: type[Server]) -> None:
        key = {"authorization": "Bearer sk-test"}
        with serve(api_key="sk-test") as server:
            made = server.ok("POST", "videos", json={"prompt": "A cat", "size": "64x48", "seconds": "1"}, headers=key)
            assert made["url"] is None
            video = server.ok("GET", f"videos/{made['id']}", headers=key)
            assert 1 == video["duration"]
            content = server.get(f"videos/{made['id']}/content", headers=key)
            file = server.get(video["url"])
            assert "no-referrer" == file.headers["referrer-policy"]
            assert (200, content.content) == (file.status_code, file.content)
            assert "video/mp4" == file.headers["content-type"]
            assert content.headers["etag"] == file.headers["etag"]
            part = server.get(video["url"], headers={"range": "bytes=0-9"})
            assert (206, content.content[:10]) == (part.status_code, part.content)
            assert b"" == server.request("HEAD", video["url"]).content
            assert [video["url"]] == [each["url"] for each in server.ok("GET", "videos", headers=key)["data"]]

    def test_a_url_without_its_signature_is_refused(self, serve: type[Server]) -> None:
        with serve() as server:
            id_ = server.create()["id"]
            url = server.ok("GET", f"videos/{id_}")["url"]
            other = server.create("A dog")["id"]
            for wrong in (url.partition("?")[0], f"{url}0", url.replace(id_, other), url.replace("signature", "sign")):
                assert "invalid_signature" == server.refused(401, "GET", wrong)["code"]
            assert "unknown_path" == server.refused(404, "GET", "http://emulator/files/x.png")["code"]
            assert "method_not_allowed" == server.refused(405, "POST", url)["code"]

    def test_it_ends_with_the_content(self, serve: type[Server]) -> None:
        with serve() as server:
            first, second = server.create()["id"], server.create("A dog")["id"]
            urls = [server.ok("GET", f"videos/{id_}")["url"] for id_ in (first, second)]
            server.ok("DELETE", f"videos/{first}")
            assert "not_found" == server.refused(404, "GET", urls[0])["code"]
            server.clock.advance(DAY + 1)
            assert "video_expired" == server.refused(410, "GET", urls[1])["code"]

    def test_it_is_the_same_after_a_restart(self, serve: type[Server], tmp_path: Path) -> None:
        with serve(database=tmp_path / "jobs.db") as server:
            id_ = server.create()["id"]
            url = server.ok("GET", f"videos/{id_}")["url"]
        with serve(database=tmp_path / "jobs.db") as server:
            assert url == server.ok("GET", f"videos/{id_}")["url"]
            assert 200 == server.get(url).status_code

    def test_a_fault_happens_to_its_path(self, serve: type[Server]) -> None:
        with serve() as server:
            url = server.ok("GET", f"videos/{server.create()['id']}")["url"]
            server.ok("POST", f"{CONTROL}/faults", json={"status": 404, "path": "/files/*"})
            assert "planned_fault" == server.refused(404, "GET", url)["code"]
            assert 200 == server.get(url).status_code
