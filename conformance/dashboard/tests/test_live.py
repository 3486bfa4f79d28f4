"""The page follows the jobs by itself, through a restart of the emulator too, and leaves them as they are."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._model.seeds import Seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dashboard.tests.conftest import Emulator, Watched

LISTED = "/_emulator/jobs?"
TOP = "() => document.activeElement.getBoundingClientRect().top"
IS_LOADED = "image => image.complete && image.naturalWidth > 0"


def await_readings(page: Page, count: int) -> None:
    for _ in range(count):
        with page.expect_response(lambda answer: LISTED in answer.url):
            pass


def test_an_empty_list_shows_the_line_that_creates_a_job(page: Page, watched: Watched) -> None:
    expect(page.get_by_role("heading", name="No videos yet")).to_be_visible()
    command = page.locator("#command").inner_text()
    watched.picture(page, "empty")
    program, url, option, field = shlex.split(command)
    assert ("curl", "-F") == (program, option)
    name, _, value = field.partition("=")
    assert 200 == httpx.post(url, files={name: (None, value)}).status_code
    expect(page.locator(".job .prompt")).to_have_text(value)
    expect(page.locator("#empty")).to_be_hidden()


def test_a_job_appears_and_goes_on_without_a_reload(page: Page, emulator: Emulator) -> None:
    page.evaluate("window.stays = true")
    id_ = emulator.create("A train in the snow")
    job = page.locator(f".job[data-id={id_}]")
    expect(job.locator(".prompt")).to_have_text("A train in the snow")
    expect(job.locator(".status")).to_have_text("Queued")
    for seconds, progress in ((3, "30"), (4, "70")):
        emulator.control("advance", {"seconds": seconds})
        expect(job.get_by_role("progressbar")).to_have_js_property("value", int(progress))
    expect(job.locator(".status")).to_have_text("In progress")
    expect(page).to_have_title("(1) openvideos emulator")
    emulator.control("advance", {})
    expect(job.locator(".status")).to_have_text("Completed")
    expect(job.get_by_role("progressbar")).to_be_hidden()
    expect(page.locator("#news")).to_have_text("“A train in the snow” is completed.")
    expect(page).to_have_title("openvideos emulator")
    expect(job.locator("img")).to_be_visible()
    assert job.locator("img").evaluate(IS_LOADED)
    assert page.evaluate("window.stays") is True


def test_a_failed_job_tells_why(page: Page, emulator: Emulator, watched: Watched) -> None:
    emulator.create("A dog [fail:content_policy_violation]")
    emulator.control("advance", {})
    expect(page.locator(".job .error")).to_have_text(
        "content_policy_violation The prompt was refused by the content policy."
    )
    assert [] == [request.url for request in watched.requests if "content" in request.url.rpartition("/")[2]]
    page.get_by_role("button", name="Show: A dog").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("content_policy_violation: The prompt was refused")
    watched.picture(page, "failed")


def test_a_deleted_job_goes_and_is_counted(page: Page, emulator: Emulator, watched: Watched) -> None:
    ids = [emulator.seed(f"Number {number}", status="queued") for number in range(30)]
    expect(page.locator(".job")).to_have_count(30)
    expect(page.locator("#deleted")).to_be_hidden()
    emulator.send("DELETE", "videos/video_unknown")  # deletes nothing
    for id_ in ids[1:-1]:
        assert 200 == emulator.send("DELETE", f"videos/{id_}").status_code
    expect(page.locator(".job .prompt")).to_have_text(["Number 29", "Number 0"])
    expect(page.locator("#deleted summary")).to_have_text("28 deleted videos")
    page.locator("#deleted summary").press("Enter")
    expect(page.locator("#deleted li")).to_have_count(20)
    expect(page.locator("#deleted li").first).to_contain_text(ids[-2])
    expect(page.locator("#deleted li").first).to_contain_text("Number 28")
    watched.picture(page, "deleted")
    later = watched.open(emulator.url)  # knows no prompts of theirs, but that they were
    expect(later.locator("#deleted summary")).to_have_text("28 deleted videos")
    emulator.control("reset", {})
    expect(page.locator("#deleted")).to_be_hidden()


def test_an_expired_job_is_marked(page: Page, emulator: Emulator) -> None:
    emulator.seed("One")
    expect(page.locator(".job")).to_have_count(1)
    expect(page.locator(".job .mark")).to_be_hidden()
    emulator.control("advance", {"seconds": 90_000})
    expect(page.locator(".job .mark")).to_have_text("Expired")


@pytest.mark.parametrize("arguments", [["--pace", "polls:3"]])
def test_looking_on_counts_as_no_poll(page: Page, emulator: Emulator) -> None:
    emulator.seed("Done")
    id_ = emulator.create()
    page.get_by_role("button", name="Show: A cat").click()
    expect(page.get_by_role("dialog")).to_contain_text("Polls so far")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Play: Done").click()
    expect(page.locator("video")).to_be_visible()
    await_readings(page, 4)
    job = emulator.control(f"jobs/{id_}")
    assert (0, "queued") == (job["polls"], job["status"])


def test_what_does_not_change_is_not_sent_again(page: Page, emulator: Emulator) -> None:
    emulator.seed("Done")
    expect(page.locator(".job")).to_have_count(1)
    cancelled: list[str] = []
    page.on("requestfailed", lambda request: cancelled.append(request.url))
    for _ in range(2):
        with page.expect_response(lambda answer: LISTED in answer.url and answer.status == 304):
            pass
    assert [] == cancelled


def test_the_focus_and_the_place_stay_when_jobs_come_and_go(page: Page, emulator: Emulator) -> None:
    for number in range(30):
        emulator.seed(f"Number {number}", status="queued")
    expect(page.locator(".job")).to_have_count(30)
    page.get_by_role("button", name="Show: Number 10").focus()
    page.evaluate("document.activeElement.scrollIntoView({block: 'center'})")
    top = page.evaluate(TOP)
    for number in range(30, 36):
        emulator.seed(f"Number {number}")
    emulator.control("advance", {})
    expect(page.locator(".job")).to_have_count(36)
    expect(page.locator(".status", has_text="Completed")).to_have_count(36)
    expect(page.get_by_role("button", name="Play: Number 10")).to_be_focused()
    # A row that ends loses its bar, so the rows differ in height by now; the one in view stays.
    assert abs(page.evaluate(TOP) - top) < 100


def test_a_restart_is_survived_and_told_of(page: Page, emulator: Emulator, watched: Watched) -> None:
    watched.expect_the_emulator_away()
    emulator.seed("Before")
    button = page.get_by_role("button", name="Play: Before")
    button.focus()
    emulator.kill()
    expect(page.locator("#link")).to_have_text("Not connected")
    expect(page.locator("#notice")).to_contain_text("goes on by itself")
    watched.picture(page, "lost")
    page.get_by_role("button", name="Finish all").click()
    expect(page.locator("#notice")).to_contain_text("nothing was advanced")
    for _ in range(2):  # what could not be done is not forgotten when the next poll fails
        page.wait_for_event("requestfailed")
    expect(page.locator("#notice")).to_contain_text("nothing was advanced", timeout=1)
    button.focus()
    emulator.start()
    expect(page.locator("#link")).to_have_text("Connected again")
    expect(page.locator("#notice")).to_be_hidden()
    expect(button).to_be_focused()
    emulator.create("After")
    expect(page.locator(".job .prompt")).to_have_text(["After", "Before"])
    expect(page.locator("#link")).to_have_text("Live")


def test_pictures_that_were_missed_meanwhile_come_later(page: Page, emulator: Emulator, watched: Watched) -> None:
    watched.expect_the_emulator_away()
    for number in range(30):
        emulator.seed(f"Number {number}")
    expect(page.locator(".job")).to_have_count(30)
    emulator.kill()
    expect(page.locator("#link")).to_have_text("Not connected")
    with page.expect_event("requestfailed", lambda request: "variant=thumbnail" in request.url):
        page.locator(".job").last.scroll_into_view_if_needed()
    emulator.start()
    expect(page.locator(".job").last.locator("img")).to_be_visible()


class TestControls:
    def test_time_is_advanced_by_hand(self, page: Page, emulator: Emulator) -> None:
        emulator.create()
        expect(page.locator("#pace")).to_have_text("Pace manual")
        progress = page.get_by_role("progressbar")
        for name, value in (("+1 s", 10), ("+1 s", 20)):
            page.get_by_role("button", name=name).click()
            expect(progress).to_have_js_property("value", value)
        page.get_by_role("button", name="+10 s").click()
        expect(page.locator(".status")).to_have_text("Completed")
        emulator.create()
        page.get_by_role("button", name="Finish all").click()
        expect(page.locator(".status")).to_have_text(["Completed", "Completed"])

    @pytest.mark.parametrize("arguments", [["--pace", "polls:4"]])
    def test_polls_are_counted_by_hand(self, page: Page, emulator: Emulator) -> None:
        emulator.create()
        page.get_by_role("button", name="+1 poll").click()
        expect(page.get_by_role("progressbar")).to_have_js_property("value", 25)

    def test_one_job_is_ended_well_or_badly(self, page: Page, emulator: Emulator) -> None:
        for prompt in ("Good", "Bad", "Other"):
            emulator.create(prompt)
        page.get_by_role("button", name="Finish: Good").press("Enter")
        # Its buttons are gone: the focus is on the job itself.
        expect(page.get_by_role("button", name="Play: Good")).to_be_focused()
        page.get_by_role("button", name="Let fail: Bad").click()
        expect(page.locator(".status")).to_have_text(["Queued", "Failed", "Completed"])

    def test_a_status_chooses_the_jobs(self, page: Page, emulator: Emulator) -> None:
        emulator.create("First")
        for status in ("completed", "failed"):
            emulator.seed(f"This is {status}", status=status)
        expect(page.locator(".job")).to_have_count(3)
        page.get_by_role("radio", name="Failed 1").check(force=True)
        expect(page.locator(".job .prompt")).to_have_text(["This is failed"])
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".job .prompt")).to_have_text(["This is completed"])
        page.get_by_role("radio", name="In progress 0").check(force=True)
        expect(page.get_by_role("heading", name="No video is in progress")).to_be_visible()
        expect(page.locator("#command")).to_be_hidden()

    def test_the_focus_goes_to_the_next_job_when_one_leaves(self, page: Page, emulator: Emulator) -> None:
        ids = [emulator.create(f"Number {number}") for number in range(3)]
        page.get_by_role("radio", name="Queued 3").check(force=True)
        page.get_by_role("button", name="Show: Number 1").focus()
        for id_, expected in ((ids[1], "Show: Number 0"), (ids[0], "Show: Number 2")):
            emulator.control("advance", {"jobs": [id_]})
            expect(page.get_by_role("button", name=expected)).to_be_focused()
        emulator.control("advance", {})
        expect(page.locator("#jobs")).to_be_focused()


class TestPolling:
    """A page that is hidden asks for nothing, and what has not changed is not sent."""

    def test_a_hidden_page_does_not_poll(self, watched: Watched, emulator: Emulator) -> None:
        page = watched.open(emulator.url)
        expect(page.locator("#link")).to_have_text("Live")
        page.clock.install()
        page.reload()
        expect(page.locator("#link")).to_have_text("Live")

        def hide(*, value: bool) -> None:
            page.evaluate(
                """(value) => {
                  Object.defineProperty(document, "hidden", {value, configurable: true});
                  document.dispatchEvent(new Event("visibilitychange"));
                }""",
                value,
            )

        with page.expect_response(lambda answer: LISTED in answer.url):
            page.clock.run_for(1500)
        hide(value=True)
        page.clock.run_for(2000)  # whatever was under way has ended
        page.evaluate("fetch('_emulator/dashboard/icon.svg')")
        sent = len(watched.requests)
        page.clock.run_for(60_000)
        page.evaluate("fetch('_emulator/dashboard/icon.svg')")
        assert [f"{emulator.url}_emulator/dashboard/icon.svg"] == [request.url for request in watched.requests[sent:]]
        emulator.create("Meanwhile")
        hide(value=False)
        expect(page.locator(".job")).to_have_count(1)

    def test_what_is_not_shown_is_seldom_asked_for(self, page: Page, watched: Watched) -> None:
        await_readings(page, 2)
        begin = len(watched.requests)
        await_readings(page, 5)
        asked = [request.url.rpartition("/")[2].partition("?")[0] for request in watched.requests[begin:]]
        assert asked.count("faults") == asked.count("events") <= 2
        assert asked.count("requests") >= 4

    def test_what_is_known_is_not_sent_again(
        self, page: Page, emulator: Emulator, look: Callable[[Page, str], Locator]
    ) -> None:
        emulator.control("faults", {"status": 503, "operation": "create_video"})
        emulator.send("GET", "videos")
        expect(look(page, "Requests").locator(".line")).to_have_count(1)
        for name, status in (("faults", 304), ("webhooks", 304), ("requests", 200)):
            look(page, name)
            path = {"webhooks": "events"}.get(name, name)
            with page.expect_response(re.compile(f"/_emulator/{path}")):  # the first may be the whole
                pass
            with page.expect_response(re.compile(f"/_emulator/{path}")) as seen:
                pass
            assert status == seen.value.status
            assert status == 304 or len(seen.value.body()) < 150


class TestTime:
    def test_it_is_told_as_jobs_see_it(self, page: Page, emulator: Emulator) -> None:
        expect(page.locator("#ahead")).to_be_hidden()
        emulator.control("advance", {"seconds": 93_784.5})
        expect(page.locator("#ahead")).to_have_text("1 d 2 h ahead")
        seen = page.locator("#now").evaluate("time => new Date(time.dateTime).getTime() / 1000")
        assert abs(emulator.control("state")["now"] - seen) < 30
        emulator.control("reset", {"pace": "seconds:3"})
        expect(page.locator("#ahead")).to_be_hidden()
        expect(page.locator("#pace")).to_have_text("Pace seconds:3")

    def test_all_views_tell_the_same_time(
        self, page: Page, emulator: Emulator, look: Callable[[Page, str], Locator]
    ) -> None:
        emulator.control("advance", {"seconds": 3 * 86_400})
        emulator.send("DELETE", f"videos/{emulator.create('A cat')}")
        emulator.create("A dog")
        now = emulator.control("state")["now"]
        view = look(page, "Requests")
        for shown in (view.locator("time").first, page.locator("#list time").first):
            at = shown.evaluate("time => new Date(time.dateTime).getTime() / 1000")
            assert abs(now - at) < 30
        day = view.locator("time").first.inner_text().split()[0]
        expect(page.locator("#deleted-list")).to_contain_text(day)
        view.locator(".sent").first.click()
        expect(page.locator("#exchange-facts")).to_contain_text("Real time")

    def test_it_goes_on(self, page: Page) -> None:
        texts = {page.locator("#now").inner_text()}
        for _ in range(2):
            expect(page.locator("#now")).not_to_have_text(texts.copy().pop())
            texts = {page.locator("#now").inner_text()}


def test_the_last_page_goes_with_its_jobs(emulator: Emulator, watched: Watched) -> None:
    ids = [emulator.seed(f"Number {number}", status="failed") for number in range(101)]
    page = watched.open(emulator.url)
    page.get_by_role("button", name="Older").click()
    expect(page.locator(".job .prompt")).to_have_text(["Number 0"])
    emulator.send("DELETE", f"videos/{ids[0]}")
    expect(page.locator(".job")).to_have_count(100)
    expect(page.locator("#videos .pages")).to_be_hidden()


class TestManyJobs:
    COUNT = 3_000

    @pytest.fixture
    def arguments(self, tmp_path: Path) -> list[str]:
        """Start with many jobs, which are added faster without HTTP."""
        engine = Engine(database=tmp_path / "jobs.db")
        for number in range(self.COUNT):
            engine.seed(Seed(prompt=f"Number {number}", size="128x96", seconds=1))
        engine.close()
        return ["--pace", "manual", "--db", str(tmp_path / "jobs.db")]

    def test_they_are_shown_by_the_hundred_and_only_what_is_seen_is_rendered(
        self, emulator: Emulator, watched: Watched, measure: Callable[[Page], Callable[[], float]]
    ) -> None:
        page = watched.open("about:blank")
        worked = measure(page)
        page.goto(emulator.url)
        expect(page.locator(".job")).to_have_count(100)
        expect(page.get_by_role("radio", name=f"All {self.COUNT}")).to_be_checked()
        expect(page.locator(".job img").first).to_be_visible()
        pages = page.locator("#videos .pages")
        expect(pages.get_by_role("button", name="Newer")).to_be_disabled()
        pages.get_by_role("button", name="Older").press("Enter")
        expect(pages).to_contain_text("101 to 200 of 3,000")
        expect(page.locator(".job")).to_have_count(100)
        expect(page.get_by_role("button", name="Play: Number 2899")).to_be_focused()
        await_readings(page, 3)  # time enough for many more
        pictures = {request.url for request in watched.requests if "variant=thumbnail" in request.url}
        assert 0 < len(pictures) < 40
        emulator.create("The newest")
        expect(page.locator(".job .prompt").first).to_have_text("Number 2900")
        pages.get_by_role("button", name="Newer").press("Enter")
        expect(page.locator(".job .prompt").first).to_have_text("The newest")
        assert worked() < 4
        assert page.evaluate("document.querySelectorAll('*').length") < 4000
