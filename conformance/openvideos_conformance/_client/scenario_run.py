"""Run a command once against an emulator of its own, in which one thing goes wrong."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .._core.operations import CREATING
from .._core.redaction import redacted, secrets_of_key
from .._core.sanitize import one_line
from .._inputs.media_files import image
from .app_runner import AppRunner, Request
from .changes import ScenarioState
from .command import RUN_VARIABLE, files_in, run_command
from .command_run import CommandRun, File
from .har import to_har
from .large_file import LargeFile, digest_of
from .recording_server import LOOPBACK, PREFIX, RecordingServer
from .scenarios import UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._core.exchange import Exchange
    from .app_runner import Response
    from .scenarios import Scenario

REQUESTED: Final = {"size": "64x48", "seconds": "1"}
"""The size and the seconds that the command is told to request, in OPENVIDEOS_SIZE and OPENVIDEOS_SECONDS."""

_OUTPUT_TAIL: Final = 400
_OK: Final = (200, 206)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a command is judged."""

    timeout: float = 60.0
    """How many seconds it has in a scenario that does not make it wait."""
    jobs: int = 4
    """How many scenarios are run at a time."""
    host: str = LOOPBACK
    """The name of this machine where the command runs."""
    own: tuple[str, ...] = ()
    """The parts of the work that the program does itself, and not the client."""
    keep: Path | None = None
    """The directory for the traffic and the output of each scenario."""
    expected: Mapping[str, str] = field(default_factory=dict[str, str])
    is_strict: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the judge was interrupted, which ends the command."""


@dataclass(frozen=True, kw_only=True)
class ScenarioRun:
    """A run of the command in a scenario, the base URL that it used, and all of its output that was kept."""

    run: CommandRun
    base_url: str
    output: str


def run_scenario(
    command: Sequence[str], scenario: Scenario, options: Options | None = None, usual_memory: int = 0
) -> ScenarioRun:
    """Run the command once against an emulator of its own, in which one thing goes wrong.

    Raises:
        CommandError: The command cannot be started.

    """
    from openvideos_emulator import create_app

    # What is wrong with a form is said in the report.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    options = options or Options()
    key = f"sk-openvideos-{secrets.token_hex(16)}"
    app = create_app(api_key=key, pace=scenario.job_speed)
    server = _Server(AppRunner(app), key)
    try:
        server.add_videos(scenario.videos)
        return _run_against(server, command, scenario, options, usual_memory)
    finally:
        server.emulator.close()
        app.close()


def _run_against(
    server: _Server, command: Sequence[str], scenario: Scenario, options: Options, usual_memory: int
) -> ScenarioRun:
    state = ScenarioState(send=server.send, prompt=scenario.prompt)
    with (
        RecordingServer(lambda request: scenario.change(state, request), options.host, server.key) as api,
        RecordingServer(server.elsewhere, options.host, server.key) as foreign,
        tempfile.TemporaryDirectory(prefix="openvideos-client-", ignore_cleanup_errors=True) as directory,
    ):
        state.other_origin = foreign.origin
        base_url = api.origin + PREFIX
        output = Path(directory, "output")
        output.mkdir()
        wanted = {"prompt": scenario.prompt, **REQUESTED}
        environment = _environment(base_url, server.key, scenario.name, output, options.host)
        environment |= {f"OPENVIDEOS_{name.upper()}": value for name, value in wanted.items()}
        upload = image(REQUESTED["size"])[1] if scenario.has_upload else None
        if upload is not None:
            file = Path(directory, UPLOAD)
            file.write_bytes(upload)
            environment["OPENVIDEOS_INPUT_REFERENCE"] = str(file)
        limit = options.timeout + scenario.allowance
        # The memory of a program in a container is not that of the command that started it.
        is_measured = scenario.is_measured and options.host == LOOPBACK
        ended = run_command(
            command, environment, key=server.key, limit=limit, stop=options.stop, is_measured=is_measured
        )
        api.settle()
        foreign.settle()
        server.note_media(api.exchanges)
        media = {video_id: frozenset({digest}) for video_id, digest in server.media.items()}
        for video_id, content in state.files.items():
            # A large file takes the place of that of the emulator; another one comes after it.
            if isinstance(content, LargeFile):
                media[video_id] = frozenset({digest_of(content)})
            else:
                media[video_id] = media.get(video_id, frozenset()) | {File.of(content).digest}
        sizes = [len(content) for content in state.files.values()]
        run = CommandRun(
            scenario=scenario.name,
            key=server.key,
            wanted=wanted,
            upload=upload,
            exchanges=api.exchanges,
            foreign=foreign.exchanges,
            problems=(*api.problems, *foreign.problems),
            changed=frozenset(api.changed),
            lost=frozenset(api.lost),
            exit_code=ended.exit_code,
            limit=limit,
            memory=ended.memory,
            usual_memory=usual_memory,
            output_tail=_last_line(ended.output),
            has_shown_key=ended.has_shown_key,
            files=files_in(output),
            media=media,
            media_size=max([*sizes, *(server.sizes.get(each, 0) for each in state.wanted)], default=0),
        )
        done = ScenarioRun(run=run, base_url=base_url, output=ended.output)
        if options.keep is not None:
            _keep(done, options.keep)
    return done


def _last_line(output: str) -> str:
    """Return the last line of an output, which usually says why a program failed."""
    lines = [each.strip() for each in output.splitlines() if each.strip()]
    return one_line(lines[-1])[:_OUTPUT_TAIL] if lines else ""


class _Server:
    """The emulator of a scenario, and the files of its videos as it served them."""

    def __init__(self, emulator: AppRunner, key: str) -> None:
        self.emulator, self.key = emulator, key
        self._headers = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))
        self.media: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}

    def add_videos(self, number: int) -> None:
        """Add completed videos of an earlier time."""
        body = json.dumps({"status": "completed", **REQUESTED}).encode()
        for _ in range(number):
            self.emulator.send(Request("POST", "/_emulator/jobs", headers=self._headers, body=body))

    def send(self, request: Request) -> Response:
        """Send a request to the emulator, and note the file of a video before it is deleted."""
        if request.operation == "delete_video":
            self._note(request.ids.get("video_id", ""))
        return self.emulator.send(request)

    def elsewhere(self, request: Request) -> Response:
        """Answer a request that was redirected to another origin, which needs no key."""
        others = request.without("authorization").headers
        return self.emulator.send(replace(request, headers=(*self._headers[:1], *others)))

    def note_media(self, exchanges: Iterable[Exchange]) -> None:
        """Note the files of all videos that the command knows."""
        started = [str(each.object.get("id")) for each in exchanges if each.operation in CREATING and each.is_ok]
        for video_id in dict.fromkeys([*started, *(each.ids.get("video_id", "") for each in exchanges)]):
            self._note(video_id)

    def _note(self, video_id: str) -> None:
        if not video_id or video_id in self.media:
            return
        path = f"/_emulator/jobs/{video_id}/content"
        response = self.emulator.send(Request("GET", path, headers=self._headers))
        if response.status in _OK and isinstance(response.body, bytes):
            file = File.of(response.body)
            self.media[video_id], self.sizes[video_id] = file.digest, file.size


def _environment(base_url: str, key: str, scenario: str, output: Path, host: str) -> dict[str, str]:
    # The command must not use a proxy for requests to this machine.
    direct = ",".join(dict.fromkeys((LOOPBACK, "localhost", host)))
    return {
        **os.environ,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": key,
        "OPENVIDEOS_BASE_URL": base_url,
        "OPENVIDEOS_API_KEY": key,
        "OPENVIDEOS_SCENARIO": scenario,
        "OPENVIDEOS_OUTPUT": str(output),
        RUN_VARIABLE: secrets.token_hex(8),
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def _keep(done: ScenarioRun, directory: Path) -> None:
    """Write the traffic, the output and the small files of a scenario."""
    place = directory / done.run.scenario
    place.mkdir(parents=True, exist_ok=True)
    (place / "traffic.har").write_text(to_har(done.run.exchanges, done.base_url, done.run.key), encoding="utf-8")
    (place / "output.txt").write_text(done.output, encoding="utf-8")
    for name, file in done.run.files.items():
        if file.size == len(file.content):
            with contextlib.suppress(OSError):
                (place / f"file-{name}").write_bytes(redacted(file.content, secrets_of_key(done.run.key)))
