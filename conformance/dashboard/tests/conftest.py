"""Run the emulator as a process, and look at its dashboard with Chromium. `nox -s dashboard` runs these tests.

They lie outside of `testpaths`, since they need a browser; where there is none they fail and say so.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PATIENCE = 30.0


def browser_path() -> str:
    """Find the browser; a UsageError that says how to get one if there is none."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        where = f"CHROMIUM is {named!r}, which cannot be run" if named else f"none of {', '.join(BROWSERS)} is in PATH"
        raise pytest.UsageError(
            f"there is no Chromium: {where}; install one (apt-get install chromium), or set CHROMIUM to its path"
        )
    return found


def pytest_configure() -> None:
    """Stop at once where there is no browser."""
    browser_path()
    expect.set_options(timeout=1000 * PATIENCE)


class Emulator:
    """An emulator in a process of its own, on a port that it keeps when it is started again."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._directory, self._arguments = directory, arguments
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        key = arguments[arguments.index("--api-key") + 1] if "--api-key" in arguments else "any"
        self._http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._http.close()

    def start(self) -> None:
        """Start it; it answers when this returns."""
        command = [sys.executable, "-m", "openvideos_emulator", "--port", str(self.port), *self._arguments]
        self._process = subprocess.Popen(command, cwd=self._directory, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if f"listening on {self.url}v1" not in line:
            self.kill()
            raise AssertionError(f"the emulator did not start; it said: {line!r}")

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None

    def restart(self, *arguments: str) -> None:
        """Start it anew with other arguments."""
        self.kill()
        self._arguments = arguments
        self.start()

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Use a control endpoint: read it, or send it a body."""
        method = "GET" if body is None else "POST"
        answer = self._http.request(method, f"_emulator/{path}", json=body)
        assert 200 == answer.status_code, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def seed(self, prompt: str = "A cat", **fields: Any) -> str:
        """Add a job with a small clip; give its id."""
        body = {"prompt": prompt, "size": "128x96", "seconds": "1", **fields}
        return str(self.control("jobs", body)["id"])

    def create(self, prompt: str = "A cat") -> str:
        """Create a job by the Videos API; give its id."""
        answer = self._http.post("v1/videos", json={"prompt": prompt, "size": "128x96", "seconds": "1"})
        assert 200 == answer.status_code, answer.text
        return str(answer.json()["id"])


class Watched:
    """Pages whose errors and requests are kept; what no page may do fails the test at its end."""

    def __init__(self, browser: Browser, screenshots: Path) -> None:
        self._browser, self._screenshots = browser, screenshots
        self.problems: list[str] = []
        self.requests: list[Request] = []
        self.expected: list[str] = []

    def open(self, url: str, **options: Any) -> Page:
        """Open a page in a profile of its own."""
        options.setdefault("viewport", {"width": 1100, "height": 900})
        context = self._browser.new_context(**options)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append(f"a dialog: {dialog.message}"))
        page.on("request", self._note)
        page.goto(url)
        return page

    def expect(self, pattern: str) -> None:
        """Let messages of the console pass that match this."""
        self.expected.append(pattern)

    def picture(self, page: Page, name: str) -> None:
        """Keep a screenshot, for a person to look at."""
        page.screenshot(path=self._screenshots / f"{name}.png", animations="disabled")

    def check(self, origin: str) -> None:
        """Fail if a page complained, or asked anyone but the emulator."""
        unexpected = [each for each in self.problems if not any(re.search(known, each) for known in self.expected)]
        assert [] == unexpected
        asked = {request.url for request in self.requests}
        assert [] == [url for url in asked if not url.startswith((origin, f"blob:{origin}"))]

    def close(self) -> None:
        """Close all pages."""
        for context in self._browser.contexts:
            context.close()

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.problems.append(message.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory for screenshots."""
    named = os.environ.get("DASHBOARD_SCREENSHOTS")
    directory = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def arguments() -> list[str]:
    """Give what the emulator is started with; a test parametrizes it to have another."""
    return ["--pace", "manual"]


@pytest.fixture
def emulator(arguments: list[str], tmp_path: Path) -> Iterator[Emulator]:
    """Give an emulator."""
    with Emulator(tmp_path, *arguments) as emulator:
        yield emulator


@pytest.fixture
def watched(browser: Browser, screenshots: Path, emulator: Emulator) -> Iterator[Watched]:
    """Give the way to open pages; they are judged at the end."""
    watched = Watched(browser, screenshots)
    yield watched
    watched.close()
    watched.check(emulator.url)


@pytest.fixture
def page(watched: Watched, emulator: Emulator) -> Page:
    """Give a page that shows the dashboard, connected."""
    page = watched.open(emulator.url)
    expect(page.locator("#link")).to_have_text("Live")
    return page


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
