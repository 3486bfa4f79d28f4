"""Run the emulator in memory, and judge each of its answers by the contract as the tests go."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from openvideos_emulator import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from openvideos_emulator._http.app import EmulatorApp

CONTROL = "http://emulator/_emulator"
"""Where the control endpoints of a `Server` are."""

Run = Callable[..., AbstractContextManager[tuple[subprocess.Popen[str], str]]]
"""How `running` is called."""

LINE = re.compile(r"openvideos-emulator: listening on (http://127\.0\.0\.1:[0-9]+/v1) .*OPENVIDEOS_BASE_URL=\1 ")
DOCUMENT: dict[str, Any] = yaml.load(
    files("openvideos_emulator").joinpath("openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
)
_EMPTY: Registry[Any] = Registry()
_REGISTRY = _EMPTY.with_resource("urn:contract", DRAFT202012.create_resource(DOCUMENT))


@contextlib.contextmanager
def running(*arguments: str, cwd: Path, after: str = "") -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port, `after` some Python; give the process and its base URL."""
    program = ["-c", f"{after}\nimport openvideos_emulator\nraise SystemExit(openvideos_emulator.main())"]
    command = [sys.executable, "-X", "dev", *(program if after else ["-m", "openvideos_emulator"])]
    command += ["--port", "0", "--quiet", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            match = LINE.match(process.stdout.readline())
            assert match is not None, process.communicate(timeout=10)
            yield process, match[1]
        finally:
            process.kill()


class Clock:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Server:
    """An emulator after an in-memory transport; every response is checked before a test sees it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        options.setdefault("clock", self.clock)
        self.app: EmulatorApp = create_app(**options)
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://emulator/v1/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()
        self.app.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._runner.run(self._http.request(method, path, **options))
        check_answer(response)
        return response

    def together(self, *requests: tuple[str, str]) -> list[httpx.Response]:
        """Send requests at the same time."""

        async def send() -> list[httpx.Response]:
            return await asyncio.gather(*(self._http.request(method, path) for method, path in requests))

        return self._runner.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def create(self, prompt: str = "A cat", **fields: Any) -> dict[str, Any]:
        """Create a small clip; the response must be a 200."""
        body = {"prompt": prompt, "size": "64x48", "seconds": "1", **fields}
        return self.ok("POST", "videos", json=body)

    def ok(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self.request(method, path, **options)
        assert 200 == response.status_code, response.text
        video: dict[str, Any] = response.json()
        return video

    def refused(self, status: int, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request that must be refused with this status; give its error."""
        response = self.request(method, path, **options)
        assert response.status_code == status, response.text
        error: dict[str, Any] = response.json()["error"]
        return error


def check_answer(response: httpx.Response) -> None:
    """Fail unless a response has a request id, no server error, and the shape that the contract gives it."""
    assert response.headers["x-request-id"]
    assert response.status_code < 500, response.text
    if response.request.method == "HEAD" or response.status_code == 204:
        assert b"" == response.content
        return
    if response.status_code >= 400:
        assert "application/json" == response.headers["content-type"]
        assert_fits(response.json(), "#/components/schemas/ErrorResponse")
        assert isinstance(response.json()["error"]["code"], str)
        return
    address = _schema_address(response)
    if address is not None:
        assert_fits(response.json(), address)


def assert_fits(value: Any, address: str) -> None:
    validator = Draft202012Validator({"$ref": f"urn:contract{address}"}, registry=_REGISTRY)
    assert [] == [error.message for error in validator.iter_errors(value)]


def _schema_address(response: httpx.Response) -> str | None:
    """Find the schema of a response by its path in the contract: literal steps first, as the contract says."""
    path = response.request.url.path
    if path in {"/", "/health", "/openapi.yaml"} or path.startswith(("/_emulator/", "/files/")):
        return None  # the emulator's own
    steps = path.removeprefix("/v1").split("/")
    for template in sorted(DOCUMENT["paths"], key=lambda each: each.count("{")):
        pattern = template.split("/")
        if len(pattern) == len(steps) and all(p.startswith("{") or p == s for p, s in zip(pattern, steps, strict=True)):
            operation = DOCUMENT["paths"][template][response.request.method.lower()]
            content = operation["responses"][str(response.status_code)]["content"]
            media_type = response.headers["content-type"].partition(";")[0]
            assert media_type in content
            if media_type != "application/json":
                return None
            return str(content[media_type]["schema"]["$ref"])
    raise AssertionError(f"the contract has no path for {response.request.url}")


@pytest.fixture(scope="session")
def serve() -> type[Server]:
    """Give the class of servers, each of which is a context manager, with the options of `create_app`."""
    return Server


@pytest.fixture(scope="session")
def run() -> Run:
    """Give the way to run the command: a context manager of the process and its base URL."""
    return running


@pytest.fixture(scope="session")
def png() -> bytes:
    """Give a small picture."""
    return _png()


@pytest.fixture(scope="session")
def fits() -> Callable[[object, str], None]:
    """Give the check of a value by a schema of the contract."""
    return assert_fits


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """Give the contract, as it is read from its file."""
    return DOCUMENT


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, format="PNG")
    return buffer.getvalue()
