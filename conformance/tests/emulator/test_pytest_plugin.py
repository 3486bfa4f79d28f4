"""The fixture `openvideos_server` gives each test of any project a server without a past, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import openvideos
import openvideos_emulator
import openvideos_raw

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

PLUGIN = "openvideos_emulator.pytest_plugin"
PATH = os.pathsep.join(
    str(Path(each.__file__ or "").parents[1]) for each in (openvideos, openvideos_emulator, openvideos_raw)
)
STRICT = ("-W", "error", "--strict-markers", "--strict-config")
SMALL = 'size="64x48", seconds="1"'


@pytest.fixture
def tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Give the directory of another project, in which pytest loads no plugin but those that are named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", PATH)
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


def passed(tests: pytest.Pytester, source: str, *arguments: str, count: int) -> pytest.RunResult:
    """Run a test module; all its tests must pass, without a word on stderr."""
    tests.makepyfile(test_it=source)
    result = tests.runpytest_subprocess("-p", PLUGIN, *STRICT, *arguments, timeout=60)
    assert {"passed": count} == result.parseoutcomes()
    assert "" == str(result.stderr)
    return result


def test_each_test_starts_again(tests: pytest.Pytester) -> None:
    source = f"""
        import time
        import httpx, pytest
        from openvideos import InternalServerError, OpenVideos

        seen = []

        @pytest.mark.parametrize("turn", [1, 2])
        def test_one(turn, openvideos_server):
            openvideos_server.advance(jobs=[openvideos_server.seed(status="queued")])
            assert [] == openvideos_server.events
            openvideos_server.reset()
            assert ([], []) == (openvideos_server.jobs, openvideos_server.faults)
            seen.append(openvideos_server.base_url)
            with OpenVideos(base_url=openvideos_server.base_url, api_key=openvideos_server.api_key) as client:
                once = {{"Idempotency-Key": "the-same"}}
                video = client.videos.create(prompt="A cat", {SMALL}, extra_headers=once)
                assert "completed" == client.videos.poll(video.id).status
                assert [video.id] == [job.id for job in openvideos_server.jobs]
                assert b"ftyp" == client.videos.download_content(video.id).content[4:8]
            assert abs(time.time() - openvideos_server.jobs[0].created_at) < 60
            openvideos_server.advance(86_400 * 400)
            openvideos_server.fail_next(503, count=9)
            openvideos_server.send_webhooks("http://127.0.0.1:9/webhooks")
            if turn == 2:
                assert seen[0] == seen[1]
                assert not seen[0].endswith(":8000/v1")
    """
    passed(tests, source, count=2)


@pytest.mark.full
def test_the_options_of_a_run_a_module_and_a_test(tests: pytest.Pytester) -> None:
    source = f"""
        import httpx, pytest

        pytestmark = pytest.mark.openvideos(profile="sora", pace="manual")

        def ask(server, key=None, **fields):
            headers = {{"Authorization": f"Bearer {{key}}"}} if key else {{}}
            return httpx.post(server.base_url + "/videos", json={{"prompt": "x", **fields}}, headers=headers)

        def test_module(openvideos_server):
            assert "sk-of-the-ini" == openvideos_server.api_key
            assert 401 == ask(openvideos_server, key="other").status_code
            assert 400 == ask(openvideos_server, key="sk-of-the-ini", size="64x48").status_code
            assert 200 == ask(openvideos_server, key="sk-of-the-ini").status_code
            assert "manual" == openvideos_server.jobs[0].pace

        @pytest.mark.openvideos(profile="default", api_key="sk-other")
        class TestClass:
            @pytest.mark.openvideos(pace="polls:7")
            def test_test(self, openvideos_server):
                assert 200 == ask(openvideos_server, key="sk-other", size="64x48").status_code
                assert "polls:7" == openvideos_server.jobs[0].pace

            @pytest.mark.openvideos(api_key="")
            def test_any_key_or_none(self, openvideos_server):
                assert 200 == ask(openvideos_server, {SMALL}).status_code
                assert 200 == ask(openvideos_server, {SMALL}, key=openvideos_server.api_key).status_code
    """
    tests.makeini("[pytest]\nopenvideos_api_key = sk-of-the-ini\nopenvideos_pace = polls:3\n")
    passed(tests, source, count=3)


@pytest.mark.full
def test_an_option_that_is_not_known_is_reported(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        @pytest.mark.openvideos(speed="polls:3")
        def test_name(openvideos_server): ...

        @pytest.mark.openvideos("polls:3")
        def test_place(openvideos_server): ...

        @pytest.mark.openvideos(pace="fast")
        def test_value(openvideos_server): ...

        @pytest.mark.openvideos(api_key="two words")
        def test_key(openvideos_server): ...
    """)
    result = tests.runpytest_subprocess("-p", PLUGIN, *STRICT)
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines_random(
        [
            "the marker openvideos knows nothing of speed; it takes pace=..., profile=..., imitate=..., api_key=...",
            "the marker openvideos knows nothing of 'polls:3'; it takes pace=..., profile=..., imitate=..., api_key=*",
            "openvideos_server: the pace 'fast' is unknown; use instant, polls:N*",
            "openvideos_server: the emulator does not start: *the key must be printable ASCII*",
        ]
    )
    assert "another exception" not in str(result.stdout)
    assert "Traceback" not in str(result.stdout)


@pytest.mark.full
def test_async_tests_on_both_event_loops(tests: pytest.Pytester) -> None:
    source = f"""
        import pytest
        from openvideos import AsyncOpenVideos

        pytestmark = pytest.mark.anyio

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.mark.openvideos(pace="polls:2")
        async def test_it(openvideos_environ, openvideos_server):
            async with AsyncOpenVideos() as client:
                video = await client.videos.create_and_poll(prompt="A cat", {SMALL}, poll_interval_ms=1)
            assert ("completed", 2) == (video.status, openvideos_server.jobs[0].polls)
    """
    passed(tests, source, "-p", "anyio", count=2)


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of another process")
def test_the_server_is_neither_measured_nor_judged_and_keeps_its_files_together(tests: pytest.Pytester) -> None:
    tests.makeconftest(PIDS)
    source = """
        import os
        from pathlib import Path

        os.environ |= {"PYTHONWARNINGS": "error", "COVERAGE_PROCESS_START": "none", "COV_CORE_SOURCE": "none"}

        def test_it(pid):
            lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\\0")
            environ = dict(line.split("=", 1) for line in lines if line)
            assert not {"PYTHONWARNINGS", "COVERAGE_PROCESS_START", "COV_CORE_SOURCE"} & environ.keys()
            assert environ["TMPDIR"] == str(Path(Path("server").read_text().split()[1]).parent)
            assert environ["PYTHONPATH"]
    """
    passed(tests, source, count=1)


@pytest.mark.full
def test_the_environment_is_changed_for_who_asks_and_during_the_test(
    tests: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        import os
        from openvideos import OpenVideos

        KEYS = {"OPENVIDEOS_API_KEY", "OPENAI_API_KEY"}
        NAMES = KEYS | {"OPENVIDEOS_BASE_URL", "OPENAI_BASE_URL", "NO_PROXY", "no_proxy"}
        before = {name: os.environ.get(name) for name in NAMES}

        def test_one(openvideos_environ, openvideos_server):
            assert openvideos_server.environ == openvideos_environ == {name: os.environ[name] for name in NAMES}
            with OpenVideos() as client:
                client.videos.create(prompt="A cat")
            assert ["A cat"] == [job.prompt for job in openvideos_server.jobs]

        def test_other(openvideos_server):
            assert before == {name: os.environ.get(name) for name in NAMES}
    """
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # of a machine that reaches others by a proxy
    monkeypatch.setenv("NO_PROXY", "intranet.test")
    passed(tests, source, count=2)


@pytest.mark.full
def test_what_a_test_does_to_its_own_process_does_not_reach_the_server(tests: pytest.Pytester) -> None:
    source = """
        import os, signal, time

        def test_it(monkeypatch, tmp_path, openvideos_server):
            monkeypatch.setattr(time, "time", lambda: 0.0)
            monkeypatch.chdir(tmp_path)
            assert openvideos_server.seed().created_at > 10**9
            # Ctrl-C reaches the group of the tests.
            assert os.getpgid(openvideos_process.pid) == openvideos_process.pid != os.getpgid(0)
    """
    tests.makeconftest("""
        import pytest

        @pytest.fixture(autouse=True)
        def process(request, _openvideos_processes, openvideos_server):
            request.module.openvideos_process = _openvideos_processes.of(openvideos_server.api_key)._process
    """)
    passed(tests, source, "-p", "no:cacheprovider", count=1)


PIDS = """
    import os, pytest

    @pytest.fixture
    def pid(openvideos_server, _openvideos_processes):
        process = _openvideos_processes.of(openvideos_server.api_key)._process
        with open("server", "w") as file:
            file.write(f"{process.pid} {process.args[process.args.index('--db') + 1]}")
        return process.pid
"""


def test_the_server_ends_with_the_run_and_leaves_no_file(tests: pytest.Pytester) -> None:
    tests.makeconftest(PIDS)
    passed(tests, "def test_it(pid, openvideos_server):\n    openvideos_server.seed()\n", count=1)
    pid, database = (tests.path / "server").read_text().split()
    assert not is_running(int(pid))
    assert not Path(database).parent.exists()


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends without a signal there")
def test_the_server_ends_with_a_run_that_is_killed(tests: pytest.Pytester) -> None:
    tests.makeconftest(PIDS)
    tests.makepyfile("import os, signal\ndef test_it(pid):\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    result = tests.runpytest_subprocess("-p", PLUGIN, timeout=60)
    assert -signal.SIGKILL == result.ret
    pid, database = (tests.path / "server").read_text().split()
    deadline = time.monotonic() + 20
    while is_running(int(pid)) or Path(database).parent.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends without a signal there")
def test_a_server_that_has_died_is_reported_and_replaced(tests: pytest.Pytester) -> None:
    tests.makeconftest(PIDS)
    source = """
        import os, signal, pytest
        from openvideos_emulator.testing import EmulatorError

        def test_death(pid, openvideos_server):
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            with pytest.raises(EmulatorError, match="does not respond"):
                openvideos_server.jobs

        def test_next(openvideos_server):
            assert [] == openvideos_server.jobs
    """
    passed(tests, source, count=2)


@pytest.mark.full
def test_each_worker_of_xdist_has_its_own(tests: pytest.Pytester) -> None:
    source = """
        import pytest, time

        @pytest.mark.parametrize("number", range(6))
        def test_it(number, openvideos_server, worker_id):
            for _ in range(20):
                openvideos_server.seed(prompt=worker_id)
            assert [worker_id] * 20 == [job.prompt for job in openvideos_server.jobs]
    """
    passed(tests, source, "-p", "xdist", "-n", "2", count=6)


def test_a_missing_extra_is_reported_by_the_fixture_alone(tests: pytest.Pytester) -> None:
    (tests.path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name in ('av', 'yaml') else find(name, *rest)\n"
    )
    tests.makepyfile("def test_other(): ...\ndef test_it(openvideos_server): ...\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(tests.path), PATH)))
        result = tests.runpytest_subprocess("-p", PLUGIN, *STRICT)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*does not start: this needs the extra emulator, which brings av, yaml; add it *"])


def test_loading_the_plugin_loads_nothing_that_takes_time() -> None:
    code = (
        f"import sys, pytest\nbefore = set(sys.modules)\nimport {PLUGIN}\nprint(*sorted(set(sys.modules) - before))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"openvideos_emulator", "openvideos_emulator._factory", PLUGIN} == set(run.stdout.split())


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.full
def test_an_emulator_for_the_whole_run_gives_each_key_its_own(tests: pytest.Pytester) -> None:
    source = f"""
        import pytest
        from openvideos import OpenVideos

        seen = []

        @pytest.fixture(scope="session")
        def application(openvideos_emulator):
            assert openvideos_emulator.base_url in repr(openvideos_emulator)
            return lambda key: OpenVideos(base_url=openvideos_emulator.base_url, api_key=key)

        @pytest.mark.parametrize("turn", [1, 2])
        def test_one(turn, application, openvideos_emulator):
            server = openvideos_emulator.server(pace="manual")
            with application(server.api_key) as client:
                client.videos.create(prompt="A cat", {SMALL})
            [job] = server.jobs
            assert ("queued", None, 1) == (job.status, job.url, job.duration)
            seen.append(server)
            assert [1] * turn == [len(each.jobs) for each in seen]
            assert len({{each.api_key for each in seen}}) == turn

        def test_one_key(openvideos_emulator):
            openvideos_emulator.server("sk-mine").seed()
            assert [] == openvideos_emulator.server("sk-mine").jobs
    """
    passed(tests, source, count=3)


@pytest.mark.full
def test_what_was_sent_can_be_asserted(tests: pytest.Pytester) -> None:
    source = f"""
        import pytest
        from openvideos import BadRequestError, OpenVideos

        def test_it(openvideos_environ, openvideos_server, tmp_path):
            with pytest.raises(AssertionError, match="no request was sent"):
                openvideos_server.requests.last
            openvideos_server.fail_next(400, prompt="*boat*")
            with OpenVideos() as client:
                video = client.videos.create(prompt="A cat", {SMALL}, extra_headers={{"x-tenant": "blue"}})
                with pytest.raises(BadRequestError):
                    client.videos.create(prompt="A boat", {SMALL})
                list(client.videos.list(limit=2))
            sent = openvideos_server.requests
            assert 3 == len(sent) == len(sent[:]) and "<3 requests>" == repr(sent)
            first = sent.assert_sent("create_video", count=1, prompt="A cat", seconds="1")
            assert (video.id, "blue", 200) == (first.video_id, first.headers["x-tenant"], first.response.status)
            assert video.id == first.response.json["id"] and "OPENVIDEOS_API_KEY" in first.curl
            assert {{"limit": "2"}} == dict(sent.last.query) and sent.of("list_videos").last is sent.last
            assert "status 400" == sent[1].fault and "A boat" in str(sent[1])
            for wrong in (dict(prompt="A dog"), dict(count=3), dict(seconds=1)):
                with pytest.raises(AssertionError, match="create_video .*sent were:(.|\\n)*A boat"):
                    sent.assert_sent("create_video", **wrong)
            assert sent.assert_sent("delete_video", count=0) is None
            with pytest.raises(AssertionError, match="list_videos: GET /v1/videos 200"):
                sent.assert_sent("list_videos", count=0)
            with pytest.raises(ValueError, match="'promt' is not a field of create_video, .* it has fps, .* prompt"):
                sent.assert_sent("create_video", promt="A cat", count=0)
            with pytest.raises(ValueError, match="'create' is not an operation .* create_video, list_videos"):
                sent.assert_sent("create")
            assert openvideos_server.api_key not in repr(list(sent))

        def test_names_that_one_would_guess(openvideos_server):
            gone, failed = openvideos_server.seed(expired=True), openvideos_server.seed(error="out_of_memory")
            assert ("failed", "out_of_memory") == (failed.status, failed.error.code)
            fresh = openvideos_server.seed()
            assert gone.expires_at < fresh.created_at < fresh.expires_at
            running = openvideos_server.seed(status="queued", pace="seconds:7200")
            assert [running.id] == [job.id for job in openvideos_server.travel(minutes=90)]  # it is in progress
            assert [running.id] == [job.id for job in openvideos_server.travel(hours=1)]
            [ended] = openvideos_server.advance(to="failed", jobs=[openvideos_server.seed(status="queued")], error="x")
            assert "x" == ended.error.code
    """
    passed(tests, source, count=2)
