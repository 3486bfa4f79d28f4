"""What each command does at a server that keeps the contract."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from openvideos_emulator.testing import OpenVideosServer

from .conftest import Answer, Run

pytestmark = pytest.mark.usefixtures("at_emulator")
SMALL = ("--size", "64x48", "--seconds", "1")


class TestCreate:
    def test_writes_the_id_and_nothing_else(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        ran = run("create", "A kite", *SMALL)
        (job,) = openvideos_server.jobs
        assert (0, f"{job.id}\n", f"{job.id}: queued, sora-2, 64x48, 1 s\n") == (ran.code, ran.out, ran.err)

    def test_sends_what_it_is_told(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        options = {"model": "sora-2-pro", "negative_prompt": "rain", "seed": "7", "fps": "8"}
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        assert 0 == run("create", "A kite", *SMALL, *words).code
        sent = openvideos_server.requests.of("create_video").last
        expected = options | {"prompt": "A kite", "size": "64x48", "seconds": "1"}
        assert expected == {name: str(sent.fields[name]) for name in expected}

    def test_waits(self, run: Run) -> None:
        ran = run("create", "A kite", *SMALL, "--wait", "--json")
        assert (0, "completed", 100) == (ran.code, ran.json["status"], ran.json["progress"])

    def test_saves_the_video(self, run: Run, tmp_path: Path) -> None:
        ran = run("create", "A kite", *SMALL, "--output", tmp_path / "kite.mp4")
        assert (0, f"{tmp_path / 'kite.mp4'}\n") == (ran.code, ran.out)
        assert b"ftyp" == (tmp_path / "kite.mp4").read_bytes()[4:8]

    def test_names_the_file_in_a_folder(self, run: Run, tmp_path: Path) -> None:
        ran = run("create", "A kite", *SMALL, "-o", tmp_path, "--json")
        assert ran.json["path"] == str(tmp_path / f"{ran.json['id']}.mp4")
        assert Path(ran.json["path"]).is_file()

    def test_reads_the_prompt_from_stdin(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        assert 0 == run("create", "-", *SMALL, stdin="Ein Drachen\nüber Dünen\n".encode()).code
        assert "Ein Drachen\nüber Dünen" == openvideos_server.jobs[0].prompt

    def test_starts_from_a_picture(self, run: Run, openvideos_server: OpenVideosServer, picture: Path) -> None:
        assert 0 == run("create", "It moves", *SMALL, "--input", picture).code
        sent = openvideos_server.requests.of("create_video").last
        assert picture.stat().st_size == sent.files["input_reference"].length

    def test_starts_from_several_pictures(self, run: Run, openvideos_server: OpenVideosServer, picture: Path) -> None:
        inputs = ("--input", f"first_frame={picture}", "--input", f"last_frame={picture}")
        assert 0 == run("create", "It moves", *SMALL, *inputs).code
        sent = openvideos_server.requests.of("create_video").last
        assert {"references[first_frame]", "references[last_frame]"} == set(sent.files)

    def test_tells_why_a_job_failed(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        ran = run("create", "[fail:no_gpu]", *SMALL, "--wait")
        assert (9, "") == (ran.code, ran.out)
        assert f"openvideos: The video {openvideos_server.jobs[0].id} has failed: no_gpu" in ran.err.splitlines()[-1]

    def test_writes_a_job_that_failed_as_json(self, run: Run) -> None:
        ran = run("create", "[fail]", *SMALL, "--wait", "--json")
        assert (9, "failed") == (ran.code, ran.json["status"])
        assert "VideoFailedError" == json.loads(ran.err.splitlines()[-1])["error"]["type"]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a picture."""
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.new("RGB", (64, 48)).save(path)
    return path


@pytest.fixture
def clip(run: Run, tmp_path: Path) -> Path:
    """Return a clip."""
    path = tmp_path / "clip.mp4"
    assert 0 == run("create", "A clip", *SMALL, "--output", path).code
    return path


class TestDerivedJobs:
    def test_a_remix(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        source = openvideos_server.seed(size="64x48", seconds="1")
        ran = run("remix", source.id, "At night", "--json")
        assert (0, source.id, "At night") == (ran.code, ran.json["remixed_from_video_id"], ran.json["prompt"])

    @pytest.mark.parametrize(("name", "more"), [("edit", ()), ("extend", ("--seconds", "1"))])
    def test_of_an_id(self, run: Run, openvideos_server: OpenVideosServer, name: str, more: tuple[str, ...]) -> None:
        source = openvideos_server.seed(size="64x48", seconds="1")
        ran = run(name, source.id, "It snows", *more, "--wait")
        assert (0, openvideos_server.jobs[-1].id) == (ran.code, ran.out.strip())
        assert "It snows" == openvideos_server.jobs[-1].prompt

    def test_of_a_file(self, run: Run, openvideos_server: OpenVideosServer, clip: Path) -> None:
        assert 0 == run("edit", clip, "It snows").code
        assert clip.stat().st_size == openvideos_server.requests.of("edit_video").last.files["video"].length


class TestGet:
    def test_describes_what_is_known(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        job = openvideos_server.seed(error="out_of_memory", prompt="A\nkite", created_at=1_700_000_000)
        lines = dict(line.split(": ", 1) for line in run("get", job.id).lines)
        assert (job.id, "failed", r"A\nkite") == tuple(lines[name].strip() for name in ("id", "status", "prompt"))
        assert lines["error"].strip().startswith("out_of_memory")
        assert lines["created"].strip().startswith("2023-11-14T22:13:20Z (")
        assert "remix of" not in lines

    def test_writes_the_keys_of_the_contract(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        job = openvideos_server.seed()
        assert {"id", "status", "seed", "error", "remixed_from_video_id"} <= run("get", job.id, "--json").json.keys()


class TestList:
    @pytest.fixture(autouse=True)
    def jobs(self, openvideos_server: OpenVideosServer) -> None:
        for number in range(25):
            openvideos_server.seed(
                status="completed" if number % 5 else "queued",
                prompt=f"Video\t{number}",
                created_at=1_700_000_000 + number,
            )

    def test_shows_the_newest(self, run: Run) -> None:
        ran = run("list")
        prompts = [line.split("\t")[-1] for line in ran.lines]
        assert [rf"Video\t{number}" for number in range(24, 4, -1)] == prompts
        assert "There are more than 20; --all lists them, or a larger --limit.\n" == ran.err

    def test_shows_a_line_of_fields(self, run: Run) -> None:
        (line,) = run("list", "--limit", 1).lines
        fields = line.split("\t")
        assert ["completed", "100", "2023-11-14T22:13:44Z", "sora-2", "720x1280", "4", r"Video\t24"] == fields[1:]

    def test_shows_all(self, run: Run) -> None:
        ran = run("list", "--all")
        assert (25, "") == (len(ran.lines), ran.err)

    def test_asks_for_no_more_than_it_shows(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        run("list", "--limit", 3)
        (request,) = openvideos_server.requests.of("list_videos")
        assert "4" == request.query["limit"]

    def test_finds_those_with_a_status(self, run: Run) -> None:
        found = run("list", "--status", "QUEUED", "--json").json
        assert [20, 15, 10, 5, 0] == [int(each["prompt"].split("\t")[1]) for each in found]

    def test_does_not_look_through_all_pages_for_one_more(
        self, run: Run, serve: Callable[[Answer], None], openvideos_server: OpenVideosServer
    ) -> None:
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            job = {"id": f"video_{len(requests)}", "status": "queued"}
            return httpx.Response(200, json={"data": [job], "has_more": True, "last_id": job["id"]})

        serve(answer)
        ran = run("list", "--limit", 2, "--status", "queued")
        assert (2, 2) == (len(ran.lines), len(requests))
        assert "There are perhaps more than 2; --all lists them, or a larger --limit.\n" == ran.err

    @pytest.mark.parametrize("words", [["--limit", "25"], ["--limit", "6", "--status", "queued"]])
    def test_says_nothing_more_at_the_end(self, run: Run, words: list[str]) -> None:
        assert "" == run("list", *words).err


class TestWait:
    def test_writes_each_that_ends(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        good, bad = openvideos_server.seed(), openvideos_server.seed(error="content_policy_violation")
        ran = run("wait", good.id, bad.id, good.id)
        lines = {line.split("\t")[0]: line.split("\t")[1:] for line in ran.lines}
        assert (9, 2, ["completed"]) == (ran.code, len(ran.lines), lines[good.id])
        assert "failed" == lines[bad.id][0]
        assert lines[bad.id][1].startswith("content_policy_violation")
        assert f"openvideos: The video {bad.id} has failed: content_policy_violation" in ran.err

    def test_tells_each_change_of_status_and_each_tenth(self, run: Run, serve: Callable[[Answer], None]) -> None:
        steps = [("queued", None), ("in_progress", 1), ("in_progress", 5), ("in_progress", 12), ("completed", None)]
        bodies = iter([{"id": "video_1", "status": status, "progress": progress} for status, progress in steps])
        serve(lambda _: httpx.Response(200, json=next(bodies), headers={"openai-poll-after-ms": "1"}))
        assert ["queued", "in_progress 1 %", "in_progress 12 %", "completed"] == [
            line.removeprefix("video_1: ") for line in run("wait", "video_1").err.splitlines()
        ]

    def test_counts_those_that_failed(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        bad = [openvideos_server.seed(error="out_of_memory").id for _ in range(2)]
        assert "2 videos have failed, the first" in run("wait", *bad).err

    @pytest.mark.parametrize("count", [1, 30])
    def test_goes_on_without_those_that_are_not_there(
        self, run: Run, openvideos_server: OpenVideosServer, count: int
    ) -> None:
        lost = [f"video_lost_{number}" for number in range(count)]
        good = openvideos_server.seed()
        ran = run("wait", lost[0], good.id, *lost[1:])
        assert (5, [f"{good.id}\tcompleted"]) == (ran.code, ran.lines)
        told = [line for line in ran.err.splitlines() if line.startswith("openvideos: ")]
        assert count == len(told)
        for video_id, line in zip(lost, told, strict=True):
            assert video_id in line
            assert "404" in line
        bad = openvideos_server.seed(error="out_of_memory")
        ran = run("wait", *lost, bad.id, "--json")
        assert (9, bad.id) == (ran.code, ran.json["id"])
        errors = [json.loads(line)["error"] for line in ran.err.splitlines() if line.startswith("{")]
        assert [*lost, bad.id] == [error["video_id"] for error in errors]
        assert [5] * count + [9] == [error["exit_code"] for error in errors]

    def test_gives_up_in_time_and_tells_how_to_go_on(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        jobs = [openvideos_server.seed(status="in_progress").id for _ in range(2)]
        ran = run("wait", *jobs, "--timeout", "0")
        assert 10 == ran.code
        assert "give a larger --timeout" in ran.err
        assert f"go on at the server; wait for them with: openvideos wait {' '.join(jobs)}\n" in ran.err

    def test_tells_how_to_go_on_with_many(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        jobs = [openvideos_server.seed(status="in_progress").id for _ in range(21)]
        ran = run("wait", *jobs, "--timeout", "0")
        assert (10, "") == (ran.code, ran.out)
        assert "wait for them with the same command.\n" in ran.err


class TestFiles:
    @pytest.mark.parametrize(("variant", "suffix"), [("video", "mp4"), ("thumbnail", "webp"), ("spritesheet", "jpg")])
    def test_are_downloaded(
        self,
        run: Run,
        openvideos_server: OpenVideosServer,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        variant: str,
        suffix: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        job = openvideos_server.seed(size="64x48", seconds="1")
        ran = run("download", job.id, "--variant", variant, "--json")
        path = tmp_path / f"{job.id}.{suffix}"
        expected = {"video_id": job.id, "variant": variant, "path": path.name, "bytes": path.stat().st_size}
        assert (0, expected) == (ran.code, ran.json)

    def test_go_on_where_they_broke_off(self, run: Run, openvideos_server: OpenVideosServer, tmp_path: Path) -> None:
        job = openvideos_server.seed(size="64x48", seconds="1")
        openvideos_server.fail_next(truncate=500, operation="download_video_content")
        ran = run("download", job.id, "--output", tmp_path / "a.mp4")
        assert (0, f"{tmp_path / 'a.mp4'}\n") == (ran.code, ran.out)
        requests = openvideos_server.requests.of("download_video_content")
        assert [None, "bytes=500-"] == [each.headers.get("range") for each in requests]

    @pytest.mark.parametrize("has_player", [True, False])
    def test_are_opened(
        self,
        run: Run,
        openvideos_server: OpenVideosServer,
        monkeypatch: pytest.MonkeyPatch,
        has_player: bool,  # noqa: FBT001
    ) -> None:
        opened: list[str] = []

        def launch(path: str, *, wait: bool) -> int:
            assert wait == (sys.platform == "linux")
            opened.append(path)
            return 0 if has_player else 1

        monkeypatch.setattr("click.launch", launch)
        ran = run("open", openvideos_server.seed(size="64x48", seconds="1").id)
        assert [ran.out.strip()] == opened
        assert Path(opened[0]).is_file()
        error = (
            "" if has_player else f"openvideos: The system has no player for {opened[0]}; open that file yourself.\n"
        )
        assert (0 if has_player else 1, error) == (ran.code, ran.err)


class TestDelete:
    def test_deletes(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        jobs = [openvideos_server.seed().id for _ in range(2)]
        ran = run("delete", *jobs, "--yes")
        assert (0, jobs, []) == (ran.code, ran.lines, openvideos_server.jobs)

    def test_does_not_where_it_cannot_ask(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        job = openvideos_server.seed()
        ran = run("delete", job.id)
        assert (2, [job.id]) == (ran.code, [each.id for each in openvideos_server.jobs])
        assert "give --yes to delete without a question" in ran.err

    def test_deletes_the_others_when_some_cannot_be(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        jobs = [openvideos_server.seed().id for _ in range(3)]
        openvideos_server.fail_next(409, operation="delete_video", job=jobs[1], headers={"x-should-retry": "false"})
        ran = run("delete", jobs[0], "video_lost", jobs[1], jobs[2], "--yes")
        assert (5, [jobs[0], jobs[2]]) == (ran.code, ran.lines)
        assert [jobs[1]] == [job.id for job in openvideos_server.jobs]
        assert ["video_lost", jobs[1]] == re.findall(r"^openvideos: .*?(video_\w+)", ran.err, re.MULTILINE)

    def test_stops_when_it_may_delete_none(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        jobs = [openvideos_server.seed().id for _ in range(2)]
        openvideos_server.fail_next(403, operation="delete_video")
        ran = run("delete", *jobs, "--yes")
        assert (4, [], 2) == (ran.code, ran.lines, len(openvideos_server.jobs))


class TestCharacters:
    def test_are_stored_and_shown(self, run: Run, clip: Path) -> None:
        created = run("characters", "create", "Ada", clip)
        assert 0 == created.code
        shown = run("characters", "get", created.out.strip())
        assert [f"id:       {created.out.strip()}", "name:     Ada"] == shown.lines[:2]
        assert "Ada" == run("characters", "get", created.out.strip(), "--json").json["name"]


class TestDoctor:
    def test_tells_what_is_in_force_and_what_the_server_offers(
        self, run: Run, openvideos_server: OpenVideosServer
    ) -> None:
        ran = run("doctor")
        assert 0 == ran.code
        assert f"base URL      {openvideos_server.base_url} (from OPENVIDEOS_BASE_URL)" in ran.lines
        assert "API key       set, and not shown (from OPENVIDEOS_API_KEY)" in ran.lines
        assert "not in force  OPENAI_API_KEY, which is set" in ran.lines
        assert any(
            line.startswith("offers        contract 2026-12-01, profiles core, standard, full") for line in ran.lines
        )
        assert openvideos_server.api_key not in ran.out
        assert 3 == ran.out.count("as the contract says")

    def test_sends_three_requests_that_cost_nothing(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        document: dict[str, Any] = run("doctor", "--json").json
        assert [200, 200, 404] == [each["status"] for each in document["requests"]]
        sent = openvideos_server.requests
        assert (3, {"GET"}, []) == (len(sent), {each.method for each in sent}, openvideos_server.jobs)


class TestInformation:
    @pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("create", "--help"), ("characters", "get", "--help")])
    def test_help_has_examples(self, run: Run, words: tuple[str, ...]) -> None:
        ran = run(*words)
        assert (0, "") == (ran.code, ran.err)
        assert "Example" in ran.out

    @pytest.mark.parametrize("words", [(), ("characters",)])
    def test_a_group_alone_shows_its_help(self, run: Run, words: tuple[str, ...]) -> None:
        ran = run(*words)
        assert (0, run(*words, "--help").out, "") == (ran.code, ran.out, ran.err)

    def test_the_version(self, run: Run) -> None:
        from openvideos import __version__

        assert f"openvideos {__version__}\n" == run("--version").out

    def test_debug_shows_the_requests_without_the_key(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        ran = run("list", "--debug")
        assert "list_videos" in ran.err
        assert openvideos_server.api_key not in ran.err
        assert "" == run("list").err
