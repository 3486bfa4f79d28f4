"""Run the emulator as a process, and look at its dashboard with Chromium. `nox -s dashboard` runs these tests.

They lie outside of `testpaths`, since they need a browser; where there is none they fail and say so.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PATIENCE = 30.0
LATENCY = float(os.environ.get("DASHBOARD_LATENCY", "0"))
"""Let each request and each response of the page take up to so many seconds: a test that acts before the page has heard
of what it set up then fails often, not once a week."""
LATE = """
const send = fetch;
const pass = () => new Promise((done) => setTimeout(done, Math.random() * LATENCY));
window.fetch = async (...request) => {
  await pass();
  const response = await send(...request);
  const { status, headers } = response;
  const body = await response.blob(); // what is not read, the browser may give up
  await pass();
  return new Response(status === 304 ? null : body, { status, headers });
};
"""
SHARED = ("--pace", "manual")
"""What the emulator is started with that the tests share."""
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</p><script>alert(2)</script>",
    "{{constructor.constructor('alert(3)')()}} ${alert(3)}",
    "javascript:alert(4)//\"'`",
    "\u202egnp.tac\u2066 and \u0007 bells",
    "W" * 900,
    "\N{PILE OF POO}" * 400,
)


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
        self.port, self.url = 0, ""
        key = arguments[arguments.index("--api-key") + 1] if "--api-key" in arguments else "any"
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._http.close()

    def start(self) -> None:
        """Start it; it answers when this returns."""
        command = [sys.executable, "-m", "openvideos_emulator", "--quiet", "--port", str(self.port), *self._arguments]
        self._process = subprocess.Popen(command, cwd=self._directory, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"listening on (http://127\.0\.0\.1:(\d+)/)v1", line)
        if found is None or self.url not in {"", found[1]}:
            self.kill()
            raise AssertionError(f"the emulator did not start; it said: {line!r}")
        self.url, self.port = found[1], int(found[2])

    def renew(self) -> None:
        """Let it be as at its start, and start it if it was killed."""
        if self._process is None:
            self.start()
        self.control("reset", {"pace": "manual"})

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
        answer = self._http.request(method, f"{self.url}_emulator/{path}", json=body)
        assert 200 == answer.status_code, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def seed(self, prompt: str = "A cat", **fields: Any) -> str:
        """Add a job with a small clip; give its id."""
        body = {"prompt": prompt, "size": "128x96", "seconds": "1", **fields}
        return str(self.control("jobs", body)["id"])

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request to the Videos API, as an application would."""
        return self._http.request(method, f"{self.url}v1/{path}", **options)

    def create(self, prompt: str = "A cat") -> str:
        """Create a job by the Videos API; give its id."""
        answer = self.send("POST", "videos", json={"prompt": prompt, "size": "128x96", "seconds": "1"})
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
        if LATENCY:
            context.add_init_script(LATE.replace("LATENCY", str(1000 * LATENCY)))
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

    def expect_the_emulator_away(self) -> None:
        """Let messages pass of requests that fail, whatever they were about, as its process is killed."""
        self.expect(r"Failed to load resource: net::ERR_")

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


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Give an emulator that the tests use one after the other: to start one takes longer than most of them."""
    with Emulator(tmp_path_factory.mktemp("emulator"), *SHARED) as emulator:
        yield emulator


@pytest.fixture
def arguments() -> list[str]:
    """Give what the emulator is started with; a test parametrizes it to have one of its own."""
    return [*SHARED]


@pytest.fixture
def emulator(arguments: list[str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Give an emulator without a past."""
    if arguments == [*SHARED]:
        shared: Emulator = request.getfixturevalue("shared")
        shared.renew()
        yield shared
        return
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


@pytest.fixture
def open_filled(watched: Watched, emulator: Emulator) -> Callable[..., Page]:
    """Give the way to open a page with a job in each state, and all pictures."""

    def open_filled(**options: Any) -> Page:
        emulator.seed("Waves at night, seen from a lighthouse", size="1280x720", completed_at=1_000_000_000)
        emulator.seed("A cat on a skateboard rides down a hill at sunset, in the style of an old film", size="720x1280")
        emulator.seed("A dog", status="failed", error={"code": "content_policy_violation", "message": "Refused."})
        emulator.seed("A train in the snow", size="1280x720", seconds="2")
        emulator.seed("A crowded market in the rain", status="in_progress", progress=64)
        emulator.seed("The last tree", status="queued")
        page = watched.open(emulator.url, **options)
        expect(page.locator(".job")).to_have_count(6)
        for job in page.locator(".job[data-playable=true]").all():
            job.scroll_into_view_if_needed()
            expect(job.locator("img")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        return page

    return open_filled


@pytest.fixture
def hostile() -> tuple[str, ...]:
    """Give texts that would do harm if they were taken for anything but texts."""
    return HOSTILE


@pytest.fixture
def look() -> Callable[[Page, str], Locator]:
    """Give the way to choose what the page shows: Requests, Webhooks or Faults; it returns that part of the page."""

    def look(page: Page, name: str) -> Locator:
        # `force` does not wait, and before the page has heard of the emulator there is nothing to choose.
        expect(page.locator("#views")).to_be_visible()
        page.locator(f"#views input[value={name.lower()}]").check(force=True)
        view = page.locator(f"#{name.lower()}")
        expect(view).to_be_visible()
        return view

    return look


@pytest.fixture
def measure() -> Callable[[Page], Callable[[], float]]:
    """Give the way to learn how many seconds of a processor a page takes from now on; others may need it, too."""

    def measure(page: Page) -> Callable[[], float]:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def taken() -> float:
            metrics = cast("list[dict[str, Any]]", session.send("Performance.getMetrics")["metrics"])
            (seconds,) = (float(each["value"]) for each in metrics if each["name"] == "TaskDuration")
            return seconds

        before = taken()
        return lambda: taken() - before

    return measure
