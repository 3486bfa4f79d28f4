"""What an operation costs stays below the ceilings of cost.toml: in calls, writes, modules and requests, not in time.

A count is the same on every machine, busy or not. What is far below its ceiling fails as well, so that gains are kept.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, Final

import httpx
import pytest

import openvideos
from openvideos import AsyncOpenVideos, OpenVideos

from .faults.server import FaultServer, answers_json, responses
from .flows.test_waiting import Farm, Job
from .flows.world import video_json

COSTS: Final[dict[str, dict[str, Any]]] = tomllib.loads(Path(__file__).with_name("cost.toml").read_text("utf-8"))
SLACK: Final = 0.15
"""How far a count may lie below its ceiling: Python's versions differ by some calls."""
HTTPX: Final = "0.28."
"""The httpx whose calls the ceilings hold."""
KEY: Final = "sk-cost-0123456789"
TIMES: Final = 3
"""How often an operation is counted; the least counts, as a response may come in two parts."""
FORM: Final[Any] = {"prompt": "A cat on a piano", "model": "sora-2", "seconds": "4", "size": "720x1280"}
SIZE: Final = 4 << 20
INLINED: Final = {"<listcomp>", "<dictcomp>", "<setcomp>"}
"""What is a call of its own before Python 3.12."""

PACKAGES: Final = (
    "openvideos",
    "openvideos_raw",
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "attr",
    "attrs",
    "certifi",
    "idna",
)
"""What the SDK is installed with. httpx imports more if it is there, such as rich for a command of its own."""
ROOTS: Final = tuple(
    str(Path(spec.origin).parent) for name in PACKAGES if (spec := find_spec(name)) is not None and spec.origin
)
MODULES: Final = f"""
import sys
known = set(sys.modules)
{{}}
packages = {{{{*{PACKAGES}, *({{}} and sys.stdlib_module_names)}}}}
print(len([name for name in set(sys.modules) - known if name.partition(".")[0] in packages]))
"""


def verdict(name: str, what: str, count: float, ceiling: float) -> str | None:
    """Say what is wrong with a count, and the way out; None if it is as recorded."""
    if count > ceiling:
        return (
            f"{what}: {count:,}, and the ceiling is {ceiling:,}. Lower the cost; or, if it is worth it, raise the"
            f" ceiling [{name}] in overlay/tests/cost.toml, and say there why."
        )
    if count < ceiling * (1 - SLACK):
        return (
            f"{what}: {count:,}, far below the ceiling of {ceiling:,}. Lower the ceiling [{name}] in"
            " overlay/tests/cost.toml, so that the gain is kept."
        )
    return None


@dataclass
class Counts:
    """What a thread has done: calls of Python functions, writes, bytes handed on."""

    calls: int = 0
    writes: int = 0
    handed_on: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """The objects of bytes that functions returned; kept, so that no two have one id."""

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Count an event, as `sys.setprofile` tells it."""
        if event == "call":
            self.calls += is_counted(frame.f_code.co_filename) and frame.f_code.co_name not in INLINED
        elif event == "return" and isinstance(argument, bytes):
            self.handed_on[id(argument)] = argument
        elif event == "c_call" and argument.__name__ in {"send", "sendall", "sendmsg"}:
            self.writes += isinstance(argument.__self__, socket.socket)  # and no generator


@cache
def is_counted(file: str) -> bool:
    """Whether a file is one of the packages', and not Python's or pytest's; what attrs generates has no file."""
    return file.startswith((*ROOTS, "<attrs generated"))


@contextmanager
def counted() -> Generator[Counts]:
    """Count what this thread does."""
    counts, before = Counts(), sys.getprofile()
    sys.setprofile(counts.profile)
    try:
        yield counts
    finally:
        sys.setprofile(before)


def job(status: str = "completed") -> Any:
    return answers_json(video_json(status, "video_0"))


def page() -> Any:
    data = [video_json("completed", f"video_{number}") for number in range(100)]
    ends = {"first_id": "video_0", "last_id": "video_99", "has_more": False}
    return answers_json({"object": "list", "data": data, **ends})


def blocking(operation: Callable[[OpenVideos], object], answer: Any) -> Counts:
    """Count an operation, after another has imported and connected."""
    with (
        FaultServer(*[answer] * (TIMES + 1)) as server,
        OpenVideos(base_url=server.base_url, api_key=KEY) as client,
    ):
        operation(client)
        found: list[Counts] = []
        for _ in range(TIMES):
            with counted() as counts:
                operation(client)
            found.append(counts)
    return min(found, key=lambda counts: counts.calls)


def awaiting(operation: Callable[[AsyncOpenVideos], Awaitable[object]], answer: Any) -> Counts:
    """Count an operation of the async client."""

    async def main(url: str) -> list[Counts]:
        found: list[Counts] = []
        async with AsyncOpenVideos(base_url=url, api_key=KEY) as client:
            await operation(client)
            for _ in range(TIMES):
                with counted() as counts:
                    await operation(client)
                found.append(counts)
        return found

    with FaultServer(*[answer] * (TIMES + 1)) as server:
        return min(asyncio.run(main(server.base_url)), key=lambda counts: counts.calls)


def construct() -> int:
    def make() -> int:
        with counted() as counts:
            OpenVideos(base_url="http://server.test/v1", api_key=KEY)
        return counts.calls

    return min(make() for _ in range(TIMES))


def modules(*lines: str, of_python: bool = True) -> int:
    program = MODULES.format("\n".join(lines), of_python or ())
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(done.stdout)


def modules_of_first_call() -> int:
    with FaultServer(job()) as server:
        client = f"client = OpenVideos(base_url={server.base_url!r}, api_key={KEY!r})"
        return modules("from openvideos import OpenVideos", client, "client.videos.retrieve('video_0')")


def requests_of_wait_many() -> int:
    farm = Farm({f"video_{number}": Job(6.0 * number / 1000) for number in range(1000)}, latency=0.0)
    farm.wait()
    return farm.requests


def calls_of_wait_many() -> float:
    farm = Farm({f"video_{number}": Job(0.0) for number in range(1000)}, latency=0.0)
    with counted() as counts:
        farm.wait()
    return round(counts.calls / 1000, 1)


def bytes_of(counts: Counts) -> float:
    return round(sum(map(len, counts.handed_on.values())) / SIZE, 1)


def download(tmp_path: Path) -> float:
    target = tmp_path / "video.mp4"
    return bytes_of(blocking(lambda client: client.videos.download("video_0", to=target), responses(200, bytes(SIZE))))


def async_download(tmp_path: Path) -> float:
    target = tmp_path / "video.mp4"
    return bytes_of(awaiting(lambda client: client.videos.download("video_0", to=target), responses(200, bytes(SIZE))))


RETRIEVE: Final = (lambda client: client.videos.retrieve("video_0")), job()
CREATE: Final = (lambda client: client.videos.create(**FORM)), job("queued")
MEASURES: Final[dict[str, Callable[[Path], float]]] = {
    "calls-of-construct": lambda _: construct(),
    "calls-of-retrieve": lambda _: blocking(*RETRIEVE).calls,
    "calls-of-create": lambda _: blocking(*CREATE).calls,
    "calls-of-list": lambda _: blocking(lambda client: client.videos.list(limit=100), page()).calls,
    "calls-of-async-retrieve": lambda _: awaiting(*RETRIEVE).calls,
    "calls-of-async-create": lambda _: awaiting(*CREATE).calls,
    "writes-of-retrieve": lambda _: blocking(*RETRIEVE).writes,
    "writes-of-create": lambda _: blocking(*CREATE).writes,
    "writes-of-async-retrieve": lambda _: awaiting(*RETRIEVE).writes,
    "writes-of-async-create": lambda _: awaiting(*CREATE).writes,
    "modules-of-import": lambda _: modules("import openvideos", of_python=False),
    "modules-of-client": lambda _: modules("from openvideos import OpenVideos"),
    "modules-of-first-call": lambda _: modules_of_first_call(),
    "calls-of-wait-many": lambda _: calls_of_wait_many(),
    "requests-of-wait-many": lambda _: requests_of_wait_many(),
    "bytes-of-download": download,
    "bytes-of-async-download": async_download,
}


@pytest.mark.skipif(
    not version("httpx").startswith(HTTPX), reason=f"the ceilings hold the calls of httpx {HTTPX}x, and another is here"
)
@pytest.mark.parametrize("name", COSTS)
def test_the_cost_is_as_recorded(name: str, tmp_path: Path) -> None:
    wrong = verdict(name, COSTS[name]["what"], MEASURES[name](tmp_path), COSTS[name]["ceiling"])
    assert wrong is None, wrong


def test_every_cost_has_a_ceiling() -> None:
    assert list(MEASURES) == list(COSTS)


class TestVerdict:
    """The guard bites on both sides, and tells the way out."""

    def test_what_is_as_recorded_passes(self) -> None:
        assert [None, None] == [verdict("name", "calls", count, 100) for count in (100, 85)]

    def test_what_is_above_is_lowered_or_defended(self) -> None:
        wrong = verdict("calls-of-retrieve", "Python calls of a retrieve", 101, 100) or ""
        assert wrong.startswith("Python calls of a retrieve: 101, and the ceiling is 100. Lower the cost; or")
        assert "raise the ceiling [calls-of-retrieve] in overlay/tests/cost.toml" in wrong

    def test_what_is_far_below_is_kept(self) -> None:
        wrong = verdict("calls-of-retrieve", "Python calls of a retrieve", 84, 100) or ""
        assert "far below the ceiling of 100. Lower the ceiling [calls-of-retrieve]" in wrong


class TestCounts:
    """What is counted is what a caller pays for."""

    def test_calls_of_ours_and_of_what_it_stands_on_count_and_no_others(self) -> None:
        assert all(
            map(is_counted, (openvideos.__file__, httpx.__file__, "<attrs generated init openvideos._calls.Call>"))
        )
        assert not any(map(is_counted, (json.__file__, pytest.__file__, __file__, "<frozen importlib._bootstrap>")))

    def test_an_object_that_is_handed_on_twice_counts_once(self) -> None:
        piece = bytes(1000)

        def one() -> bytes:
            return piece

        def other() -> bytes:
            return one()

        with counted() as counts:
            other()
        assert 1000 == sum(map(len, counts.handed_on.values()))
