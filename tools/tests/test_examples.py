"""Each program in examples/ does on the emulator what its first lines say. The storyboard's own tests are run, too."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import httpx
import pytest
import uvicorn
import yaml

from openvideos import AsyncOpenVideos, BadRequestError, ConflictError, NotFoundError
from openvideos_conformance._cli.options import parser
from openvideos_emulator.testing import OpenVideosServer

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
DOCS: Final = EXAMPLES.parent / "docs"
SENTENCE: Final = r"each under (\d+) lines, but for the server with (\d+)"


TABLE: Final = (DOCS / "examples.md").read_text("utf-8").partition("## ")[0]


def module(name: str) -> ModuleType:
    """Import an example by its path, under a name that nothing else has."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


@contextmanager
def served(app: Any) -> Generator[str]:
    """Serve an ASGI app on a free port; yield its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.name)
def test_it_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text("utf-8")
    promised = re.search(SENTENCE, (DOCS / "examples.md").read_text("utf-8"))
    assert promised
    assert text.count("\n") < (int(promised[2]) + 1 if path.name == "server.py" else int(promised[1]))
    assert re.match(r'"""[^"]*\nShows ', text)


def test_the_documentation_shows_each() -> None:
    shown = {
        (page.parent / path).resolve()
        for page in DOCS.rglob("*.md")
        for path in re.findall(r"^```\{literalinclude\} (\S+)$", page.read_text("utf-8"), re.MULTILINE)
    }
    shown |= {link.resolve() for link in DOCS.glob("*.ipynb")}
    assert "/blob/main/" not in TABLE  # each has a page of the site, or a part of this one
    assert {path for path in EXAMPLES.rglob("*.*") if path.suffix in {".py", ".yml", ".ipynb", ".csv"}} == shown


class TestService:
    @pytest.fixture
    def url(
        self, openvideos_server: OpenVideosServer, openvideos_environ: Any, monkeypatch: Any, tmp_path: Path
    ) -> Iterator[str]:
        monkeypatch.setenv("OPENVIDEOS_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("FILMS", str(tmp_path))
        with served(module("webhook_service").app) as url:
            openvideos_server.send_webhooks(f"{url}/webhooks", secret=SECRET)
            yield url

    @pytest.mark.openvideos(pace="manual")
    def test_a_film_is_there_once_its_webhook_has_come(self, url: str, openvideos_server: OpenVideosServer) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            started = client.post("/films", json={"prompt": "A cat"})
            assert (202, "queued") == (started.status_code, started.json()["status"])
            path = f"/films/{started.json()['id']}"
            assert 404 == client.get(path).status_code
            openvideos_server.advance()
            assert 200 == polled(lambda: client.get(path)).status_code
            assert b"ftyp" == client.get(path).content[4:8]

    @pytest.mark.openvideos(pace="manual")
    def test_a_film_whose_download_failed_is_there_later(self, url: str, openvideos_server: OpenVideosServer) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            path = f"/films/{client.post('/films', json={'prompt': 'A cat'}).json()['id']}"
            openvideos_server.fail_next(410, operation="download_video_content")
            openvideos_server.advance()
            assert 200 == polled(lambda: client.get(path)).status_code
            assert 2 <= len(openvideos_server.requests.of("download_video_content"))

    def test_a_webhook_of_another_and_a_huge_one_are_refused(self, url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert 400 == client.post("/webhooks", content=b"{}").status_code
            assert 413 == client.post("/webhooks", content=b"x" * (1 << 17)).status_code

    @pytest.mark.openvideos(pace="manual")
    def test_a_job_that_failed_is_told(self, url: str, openvideos_server: OpenVideosServer) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            path = f"/films/{client.post('/films', json={'prompt': 'A cat'}).json()['id']}"
            openvideos_server.advance(to="failed", error="out_of_memory")
            answer = client.get(path)
            assert (410, True) == (answer.status_code, "It has failed: " in answer.text)
            assert 404 == client.get("/films/video_of_nobody").status_code

    def test_files_are_there_after_a_restart(
        self, url: str, openvideos_server: OpenVideosServer, openvideos_environ: Any
    ) -> None:
        path = f"/films/{openvideos_server.seed().id}"
        assert 200 == httpx.get(f"{url}{path}", trust_env=False).status_code
        openvideos_server.fail_next(503, count=99)
        with served(module("webhook_service").app) as again:
            assert 200 == httpx.get(f"{again}{path}", trust_env=False).status_code

    def test_a_file_that_two_ask_for_at_once_is_there_for_both(
        self, url: str, openvideos_server: OpenVideosServer
    ) -> None:
        path = f"{url}/films/{openvideos_server.seed().id}"
        openvideos_server.fail_next(delay=0.3, operation="download_video_content", count=2)
        with ThreadPoolExecutor() as pool:
            answers = [*pool.map(lambda _: httpx.get(path, trust_env=False), range(2))]
        assert [200, 200] == [answer.status_code for answer in answers]
        assert answers[0].content == answers[1].content

    @pytest.mark.parametrize("reset", ["before_request", None])
    def test_a_server_that_is_away_is_told(self, url: str, openvideos_server: OpenVideosServer, reset: Any) -> None:
        openvideos_server.fail_next(None if reset else 503, reset=reset, count=99)
        assert 502 == httpx.post(f"{url}/films", json={"prompt": "A cat"}, trust_env=False, timeout=30).status_code

    def test_a_server_that_refuses_is_told(self, url: str, openvideos_server: OpenVideosServer) -> None:
        openvideos_server.fail_next(402, body={"error": {"message": "No credit.", "type": "t", "code": "c"}})
        answer = httpx.post(f"{url}/films", json={"prompt": "A cat"}, trust_env=False)
        assert (502, True) == (answer.status_code, "No credit." in answer.text)


def polled(read: Any, within: float = 30) -> httpx.Response:
    """Read until it is there."""
    end = time.monotonic() + within
    while True:
        response: httpx.Response = read()
        if response.status_code == 200 or time.monotonic() > end:
            return response
        time.sleep(0.02)


@pytest.mark.slow
class TestPipeline:
    PROMPTS: Final = [f"Take {number}" for number in range(12)]

    def run(self, tmp_path: Path, prompts: list[str]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "prompts.txt").write_text("\n".join(prompts))
        command = [sys.executable, "-W", "error", str(EXAMPLES / "pipeline.py"), "prompts.txt", "films"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    def test_it_goes_on_where_it_was(
        self, tmp_path: Path, openvideos_server: OpenVideosServer, openvideos_environ: Any
    ) -> None:
        openvideos_server.fail_next(400, operation="create_video", prompt="Take 3")
        openvideos_server.fail_next(410, operation="download_video_content")
        first = self.run(tmp_path, ["", *self.PROMPTS])
        assert (1, "2 videos have failed\n") == (first.returncode, first.stderr)
        assert "Take 3: " in first.stdout
        journal = tmp_path / "films" / "jobs.jsonl"
        assert 11 == len(journal.read_text().splitlines()) == len(openvideos_server.jobs)
        with journal.open("a") as file:
            file.write('{"prompt": "Take 3", "i')  # a run was killed while it wrote
        second = self.run(tmp_path, self.PROMPTS)
        assert (0, "") == (second.returncode, second.stderr)
        assert sorted(self.PROMPTS) == sorted(job.prompt for job in openvideos_server.jobs)
        files = sorted(path.stem for path in (tmp_path / "films").glob("*.mp4"))
        assert sorted(job.id for job in openvideos_server.jobs) == files
        assert "12/12" in second.stdout

    @pytest.mark.openvideos(pace="polls:1")
    def test_a_video_that_fails_is_told_and_made_anew_by_the_next_run(
        self, tmp_path: Path, openvideos_server: OpenVideosServer, openvideos_environ: Any
    ) -> None:
        for turn in (1, 2):
            run = self.run(tmp_path, ["[fail] A cat", "A dog"])
            assert (1, "1 videos have failed\n") == (run.returncode, run.stderr)
            assert "[fail] A cat: " in run.stdout
            assert turn == [job.prompt for job in openvideos_server.jobs].count("[fail] A cat")
            assert 1 == [job.prompt for job in openvideos_server.jobs].count("A dog")

    @pytest.mark.openvideos(pace="polls:1")
    def test_a_video_that_the_server_has_lost_is_told_and_made_anew_by_the_next_run(
        self, tmp_path: Path, openvideos_server: OpenVideosServer, openvideos_environ: Any
    ) -> None:
        """As one does that keeps its jobs in memory, and is started anew."""
        films = tmp_path / "films"
        films.mkdir()
        lost = [json.dumps({"prompt": f"Take {number}", "id": f"video_lost_{number}"}) for number in (1, 2)]
        (films / "jobs.jsonl").write_text("\n".join([*lost, ""]))
        first = self.run(tmp_path, ["Take 1", "Take 2", "Take 3"])
        assert (1, "2 videos have failed\n") == (first.returncode, first.stderr)
        assert all(
            f"Take {number}: GET /v1/videos/video_lost_{number} returned 404" in first.stdout for number in (1, 2)
        )
        assert ["Take 3"] == [job.prompt for job in openvideos_server.jobs]
        assert [job.id for job in openvideos_server.jobs] == [path.stem for path in films.glob("*.mp4")]
        second = self.run(tmp_path, ["Take 1", "Take 2", "Take 3"])
        assert (0, "") == (second.returncode, second.stderr)
        assert 3 == len(list(films.glob("*.mp4"))) == len(openvideos_server.jobs)


class TestServer:
    COMMAND: Final = shlex.split(
        (EXAMPLES / "server.py").read_text("utf-8").partition("openvideos-conformance ")[2].partition("\n")[0]
    )

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def client(self, anyio_backend: str) -> AsyncIterator[AsyncOpenVideos]:
        transport = httpx.ASGITransport(module("server").app)
        http = httpx.AsyncClient(transport=transport)
        async with AsyncOpenVideos(base_url="http://server.test/v1", http_client=http, max_retries=0) as client:
            yield client

    @pytest.mark.anyio
    async def test_a_video_is_made(self, client: AsyncOpenVideos, tmp_path: Path) -> None:
        video = await client.videos.create_and_poll(prompt="A kite", size="64x48", seconds="1", poll_interval_ms=10)
        assert ("completed", "A kite", "64x48", "1") == (video.status, video.prompt, video.size, video.seconds)
        path = await client.videos.download(video, to=tmp_path / "kite.mp4")
        assert b"ftyp" == path.read_bytes()[4:8]

    @pytest.mark.anyio
    async def test_what_is_not_offered_is_refused_and_starts_nothing(self, client: AsyncOpenVideos) -> None:
        extras: list[dict[str, Any]] = [{"size": "65x48"}, {"seed": 7}, {"input_reference": b"\x89PNG"}]
        for extra in extras:
            with pytest.raises(BadRequestError):
                await client.videos.create(prompt="A kite", **extra)
        with pytest.raises(NotFoundError):
            await client.videos.retrieve("video_1")

    @pytest.mark.anyio
    async def test_a_repeated_create_returns_the_first_job(self, client: AsyncOpenVideos) -> None:
        key = {"Idempotency-Key": "k"}
        first = await client.videos.create(prompt="A kite", size="64x48", seconds="1", extra_headers=key)
        again = await client.videos.create(prompt="A kite", size="64x48", seconds="1", extra_headers=key)
        assert first.id == again.id
        with pytest.raises(ConflictError):
            await client.videos.create(prompt="A boat", size="64x48", seconds="1", extra_headers=key)
        assert "completed" == (await client.videos.poll(first, poll_interval_ms=10)).status

    def test_its_command_sends_no_key_whatever_the_environment_has(self) -> None:
        options = parser().parse_args(self.COMMAND)
        assert ("core", "") == (options.profile, options.api_key)

    @pytest.mark.full
    def test_it_meets_the_profile_core(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do what the example's own first lines say, where the environment has the key of another server."""
        monkeypatch.setenv("OPENVIDEOS_API_KEY", "sk-anything")
        with served(module("server").app) as url:
            command = [*self.COMMAND, "--base-url", f"{url}/v1", "--report", str(tmp_path)]
            run = subprocess.run(
                [sys.executable, "-m", "openvideos_conformance", *command], capture_output=True, text=True, check=False
            )
        assert 0 == run.returncode, run.stdout
        assert "\nCore 2026-12: met\n" in run.stdout
        assert "WARN" not in run.stdout


WORKFLOW: Final[dict[str, Any]] = yaml.safe_load((EXAMPLES / "conformance-workflow.yml").read_text("utf-8"))
STEPS: Final[list[dict[str, Any]]] = WORKFLOW["jobs"]["conformance"]["steps"]
STEP: Final = next(step for step in STEPS if step.get("uses", "").startswith("openvideos/openvideos@"))


def test_the_workflow_starts_the_server_that_it_judges() -> None:
    [start] = [step["run"] for step in STEPS if "uvicorn" in step.get("run", "")]
    url = STEP["with"]["base-url"]
    assert "--app-dir examples --port 8000 server:app" in start
    assert f"{url}/videos" in start
    options = parser().parse_args(["run", "--base-url", url, *shlex.split(STEP["with"]["arguments"])])
    assert "core" == options.profile


NOTEBOOK: Final[dict[str, Any]] = json.loads((EXAMPLES / "notebook.ipynb").read_text("utf-8"))
CELLS: Final = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


class TestNotebook:
    def test_it_says_what_it_shows_and_was_executed(self) -> None:
        assert "\nShows " in "".join(NOTEBOOK["cells"][0]["source"])
        assert [*range(1, len(CELLS) + 1)] == [cell["execution_count"] for cell in CELLS]
        outputs = [output for cell in CELLS for output in cell["outputs"]]
        assert outputs
        assert "error" not in {output["output_type"] for output in outputs}
        shown = [text for output in outputs for text in output.get("data", {}).get("text/html", [])]
        assert "<img " in "".join(shown)
        assert not re.search(r"<img (?!alt=)", "".join(shown))
        assert "\nnb_merge_streams = True" in (DOCS / "conf.py").read_text("utf-8")  # Jupyter sends line by line

    @pytest.mark.slow
    def test_its_cells_run(self, tmp_path: Path, openvideos_environ: Any) -> None:
        stand_in = (
            "class HTML(str): pass\n"  # of IPython, which `nox -s docs` has: it runs the notebook as Jupyter does
        )
        code = "\n".join("".join(cell["source"]) for cell in CELLS).replace(
            "from IPython.display import HTML\n", stand_in
        )
        command = [sys.executable, "-W", "error::DeprecationWarning", "-c", code]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (0, "") == (run.returncode, run.stderr)
