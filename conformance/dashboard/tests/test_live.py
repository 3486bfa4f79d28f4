"""The page follows the jobs by itself, through a restart of the emulator too, and leaves them as they are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from dashboard.tests.conftest import Emulator, Watched

LISTED = "/_emulator/jobs?"
AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE"
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


def test_a_deleted_job_goes(page: Page, emulator: Emulator) -> None:
    ids = [emulator.seed(f"Number {number}", status="queued") for number in range(3)]
    expect(page.locator(".job")).to_have_count(3)
    assert 200 == httpx.delete(f"{emulator.url}v1/videos/{ids[1]}").status_code
    expect(page.locator(".job .prompt")).to_have_text(["Number 2", "Number 0"])


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
    watched.expect(AWAY)
    emulator.seed("Before")
    button = page.get_by_role("button", name="Play: Before")
    button.focus()
    emulator.kill()
    expect(page.locator("#link")).to_have_text("Not connected")
    expect(page.locator("#notice")).to_contain_text("goes on by itself")
    watched.picture(page, "lost")
    page.get_by_role("button", name="Finish all").click()
    expect(page.locator("#notice")).to_contain_text("nothing was advanced")
    button.focus()
    emulator.start()
    expect(page.locator("#link")).to_have_text("Connected again")
    expect(page.locator("#notice")).to_be_hidden()
    expect(button).to_be_focused()
    emulator.create("After")
    expect(page.locator(".job .prompt")).to_have_text(["After", "Before"])
    expect(page.locator("#link")).to_have_text("Live")


def test_pictures_that_were_missed_meanwhile_come_later(page: Page, emulator: Emulator, watched: Watched) -> None:
    watched.expect(AWAY)
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


class TestManyJobs:
    COUNT = 2000

    @pytest.fixture
    def many(self, emulator: Emulator) -> Emulator:
        for number in range(self.COUNT):
            emulator.seed(f"Number {number}")
        return emulator

    def test_they_are_shown_by_the_hundred_and_only_what_is_seen_is_rendered(
        self, many: Emulator, watched: Watched
    ) -> None:
        page = watched.open(many.url)
        expect(page.locator(".job")).to_have_count(100)
        expect(page.get_by_role("radio", name=f"All {self.COUNT}")).to_be_checked()
        expect(page.locator(".job img").first).to_be_visible()
        page.get_by_role("button", name="Show more").press("Enter")
        expect(page.locator(".job")).to_have_count(200)
        expect(page.locator(".job").nth(100).get_by_role("button", name="Play: Number 1899")).to_be_focused()
        await_readings(page, 3)  # time enough for many more
        pictures = {request.url for request in watched.requests if "variant=thumbnail" in request.url}
        assert 0 < len(pictures) < 40

    def test_the_page_answers_at_once_with_all_of_them_on_it(self, many: Emulator, watched: Watched) -> None:
        page = watched.open(many.url)
        page.evaluate(
            "window.slow = [0];"
            "new PerformanceObserver(list => slow.push(...list.getEntries().map(each => each.duration)))"
            ".observe({entryTypes: ['longtask']})"
        )
        more = page.get_by_role("button", name="Show more")
        more.evaluate("(button, clicks) => { while (clicks--) button.click(); }", self.COUNT // 100 - 1)
        expect(page.locator(".job")).to_have_count(self.COUNT)
        expect(more).to_be_hidden()
        many.create("The newest")
        expect(page.locator(".job .prompt").first).to_have_text("The newest")
        page.get_by_role("button", name="Play: Number 1999").click()
        # `expect` would write down the whole page while there is no clip yet, which takes long for so long a one.
        page.locator("video").wait_for()
        assert page.evaluate("Math.max(...slow)") < 2000
