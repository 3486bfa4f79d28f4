"""The page is legible on a desktop, on a phone, in the dark and without motion, and hides no word of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.tests.conftest import Emulator, Watched

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
PLAYS = """video => new Promise(resolve => {
  video.addEventListener("timeupdate", () => video.currentTime > 0.2 && resolve());
})"""
# How much of the player is below the picture, where the controls lie.
FOOT = """() => {
  const video = document.querySelector("video");
  const { width, height } = video.getBoundingClientRect();
  return height - Math.min(height, (width * video.videoHeight) / video.videoWidth);
}"""
# What WCAG 2.2 says of contrast, over all text in view: colours are laid over one another from the root down.
CONTRASTS = """() => {
  const layers = (text) => text.match(/[\\d.]+/g).map(Number);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data.trim());
    if (!words.length || !element.checkVisibility() || element.getBoundingClientRect().width < 2) continue;
    const up = [];
    for (let each = element; each; each = each.parentElement) {
      up.unshift(layers(getComputedStyle(each).backgroundColor));
    }
    const back = up.reduce((below, top) => over(top, below), [255, 255, 255]);
    const front = over(layers(getComputedStyle(element).color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    found.push([words.join(" ").slice(0, 40), Math.round(((light + 0.05) / (dark + 0.05)) * 100) / 100]);
  }
  return found;
}"""
OVERFLOW = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.checkVisibility() && !each.closest(".quiet, .skip"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5 || each.getBoundingClientRect().left < -0.5)
  .map((each) => each.outerHTML.slice(0, 80))"""
SMALL = """() => [...document.querySelectorAll("button, .segments label, a.button")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
  .map((each) => each.textContent)"""


class TestPlayer:
    def test_the_clip_plays(self, page: Page, emulator: Emulator, watched: Watched) -> None:
        emulator.seed("A train in the snow, and nobody waits for it", size="1280x720", seconds="2")
        page.get_by_role("button", name="Play: A train").click()
        video = page.locator("video")
        expect(video).to_be_visible()
        video.evaluate(PLAYS)
        facts = video.evaluate("({duration, videoWidth, videoHeight}) => [duration, videoWidth, videoHeight]")
        assert [2, 1280, 720] == [round(fact) for fact in facts]
        assert page.evaluate(FOOT) > 70
        watched.picture(page, "player")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download").click()
        assert saved.value.suggested_filename.startswith("video_")
        assert b"ftyp" == saved.value.path().read_bytes()[4:8]
        page.mouse.click(5, 5)
        expect(page.get_by_role("dialog")).to_be_hidden()

    @pytest.mark.parametrize("size", ["720x1280", "64x64", "1280x64"])
    @pytest.mark.parametrize("width", [390, 1400])
    def test_the_controls_lie_below_the_picture(self, page: Page, emulator: Emulator, size: str, width: int) -> None:
        emulator.seed("One", size=size)
        page.set_viewport_size({"width": width, "height": 800})
        page.get_by_role("button", name="Play: One").click()
        expect(page.locator("video")).to_have_js_property("readyState", 4)
        assert 70 < page.evaluate(FOOT) < 90
        assert [] == page.evaluate(OVERFLOW)

    def test_it_waits_for_a_job_that_goes_on(self, page: Page, emulator: Emulator) -> None:
        emulator.create("A long story. " * 100)
        page.get_by_role("button", name="Show: A long story").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("#player-prompt")).to_have_text("A long story. " * 100)
        emulator.control("advance", {"seconds": 4})
        expect(dialog.locator("#player-screen")).to_have_text("40 %")
        expect(dialog.locator("#player-prompt")).to_have_text("A long story. " * 100)
        emulator.control("advance", {})
        expect(dialog.get_by_role("heading")).to_have_text("Completed video")
        expect(dialog.locator("video")).to_be_visible()
        expect(dialog.locator("#player-prompt")).to_have_text("A long story. " * 100)

    def test_an_expired_clip_is_not_asked_for(self, page: Page, emulator: Emulator, watched: Watched) -> None:
        emulator.seed("Old", completed_at=1_000_000_000)
        page.get_by_role("button", name="Show: Old").click()
        expect(page.get_by_role("dialog")).to_contain_text("The clip has expired.")
        expect(page.get_by_role("dialog")).to_contain_text("Files until")
        assert [] == [request.url for request in watched.requests if "/content" in request.url]

    def test_without_motion_it_does_not_start_by_itself(self, watched: Watched, emulator: Emulator) -> None:
        emulator.seed("One")
        emulator.seed("Two", status="in_progress")
        page = watched.open(emulator.url, reduced_motion="reduce")
        page.get_by_role("button", name="Play: One").click()
        expect(page.locator("video")).to_have_js_property("readyState", 4)
        assert [True, 0] == page.locator("video").evaluate("video => [video.paused, video.currentTime]")
        assert page.evaluate(
            "[...document.querySelectorAll('*')].every(each => getComputedStyle(each).transitionProperty === 'none'"
            " || parseFloat(getComputedStyle(each).transitionDuration) === 0)"
        )


class TestSight:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_all_text_is_legible(
        self,
        open_filled: Callable[..., Page],
        watched: Watched,
        emulator: Emulator,
        look: Callable[[Page, str], Locator],
        scheme: str,
    ) -> None:
        page = open_filled(color_scheme=scheme)
        watched.picture(page, f"desktop-{scheme}")
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, back[4:-1].split(","))) < 64) == (scheme == "dark")
        found: list[tuple[str, float]] = page.evaluate(CONTRASTS)
        page.get_by_role("button", name="Show: A dog").click()
        expect(page.get_by_role("dialog")).to_contain_text("Refused.")
        found += page.evaluate(CONTRASTS)
        page.keyboard.press("Escape")
        found += self._beside(page, emulator, watched, look, scheme)
        assert len(found) > 80
        assert [] == [each for each in found if each[1] < 4.5]
        assert {"Queued", "In progress", "Completed", "Failed", "Refused.", "expired"} <= {text for text, _ in found}

    @staticmethod
    def _beside(
        page: Page, emulator: Emulator, watched: Watched, look: Callable[[Page, str], Locator], scheme: str
    ) -> list[tuple[str, float]]:
        """Show all that lies beside the videos, and judge its text."""
        emulator.control("faults", {"status": 503, "operation": "list_videos"})
        emulator.control("faults", {"delay": 5, "times": 3})
        for path in ("videos", "videos/video_unknown", "nothing"):
            emulator.send("GET", path)
        page.set_viewport_size({"width": 1400, "height": 900})
        found: list[tuple[str, float]] = []
        for name in ("Requests", "Webhooks", "Faults"):
            view = look(page, name)
            if name == "Faults":
                view.get_by_role("button", name="Add").click()
                expect(view.locator(".line")).to_have_count(1)
            found += page.evaluate(CONTRASTS)
            watched.picture(page, f"{name.lower()}-{scheme}")
        look(page, "Requests").locator(".sent").first.click()
        expect(page.locator("#exchange pre").first).to_be_visible()
        watched.picture(page, f"exchange-{scheme}")
        found += page.evaluate(CONTRASTS)
        return found

    @pytest.mark.parametrize("width", [360, 390])
    def test_on_a_phone_the_controls_take_less_than_a_job(
        self, watched: Watched, emulator: Emulator, width: int
    ) -> None:
        emulator.seed("One")
        page = watched.open(emulator.url, **{**PHONE, "viewport": {"width": width, "height": 740}})
        expect(page.locator(".job")).to_be_visible()
        job = page.locator(".job").bounding_box()
        tools = page.locator(".tools").bounding_box()
        assert job is not None
        assert tools is not None
        assert tools["height"] < job["height"]
        assert job["y"] < 0.3 * 740

    @pytest.mark.parametrize("width", [360, 390, 900, 1400])
    def test_ids_do_not_wrap(
        self, watched: Watched, emulator: Emulator, look: Callable[[Page, str], Locator], width: int
    ) -> None:
        id_ = emulator.create("One")
        emulator.control("advance", {})
        emulator.send("GET", f"videos/{id_}/content")
        gone = emulator.create("Gone")
        emulator.send("DELETE", f"videos/{gone}")
        page = watched.open(emulator.url, viewport={"width": width, "height": 800})
        assert 38 == len(id_)

        def lines(place: Locator, id_: str = id_) -> int:
            count: int = place.evaluate(
                """(place, id) => {
                  const node = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
                  while (node.nextNode() && !node.currentNode.data.includes(id));
                  const range = document.createRange();
                  range.selectNodeContents(node.currentNode);
                  return new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size;
                }""",
                id_,
            )
            return count

        assert 1 == lines(page.locator(".job .id"))
        page.locator("#deleted summary").click()
        assert 1 == lines(page.locator("#deleted"), gone)
        page.get_by_role("button", name="Play: One").click()
        assert 1 == lines(page.locator("#player-facts"))
        page.keyboard.press("Escape")
        sent = look(page, "Requests").locator(".sent", has_text="download_video_content")
        assert 1 == lines(sent)
        sent.click()
        expect(page.locator("#exchange-facts")).to_contain_text(id_)
        assert 1 == lines(page.locator("#exchange-facts"))
        assert [] == page.evaluate(OVERFLOW)

    def test_a_phone_shows_what_lies_beside_the_videos(
        self, watched: Watched, emulator: Emulator, look: Callable[[Page, str], Locator], hostile: tuple[str, ...]
    ) -> None:
        emulator.control("faults", {"delay": 0.001, "prompt": "W" * 300, "operation": "create_video"})
        for prompt in hostile:
            emulator.send("POST", "videos", json={"prompt": prompt, "size": "x" * 300, prompt[:9] or "x": prompt})
        emulator.control("faults", {"status": 503, "headers": {"W" * 300: "x"}, "prompt": "W" * 300})
        page = watched.open(emulator.url, **PHONE)
        for name in ("Requests", "Webhooks", "Faults"):
            view = look(page, name)
            if name == "Faults":
                view.get_by_role("button", name="Add").click()
                expect(view.locator(".line")).to_have_count(2)
            watched.picture(page, f"phone-{name.lower()}")
            assert [] == page.evaluate(OVERFLOW)
            assert [] == page.evaluate(SMALL)
            assert 360 == page.evaluate("document.documentElement.scrollWidth")
        requests = look(page, "Requests").locator(".sent")
        expect(requests).to_have_count(len(hostile))
        for sent in requests.all():
            sent.click()
            expect(page.locator("#exchange pre").first).to_be_visible()
            assert [] == page.evaluate(OVERFLOW)
            page.get_by_role("button", name="Close").click()
        watched.picture(page, "phone-exchange")

    def test_a_phone_shows_all_of_it(
        self, open_filled: Callable[..., Page], watched: Watched, emulator: Emulator, hostile: tuple[str, ...]
    ) -> None:
        page = open_filled(**PHONE)
        for prompt in hostile:
            emulator.seed(prompt)
        emulator.seed("[fail]", status="failed", error={"code": "x" * 255, "message": "y" * 1000}, model="m" * 200)
        watched.picture(page, "phone")
        expect(page.locator(".job")).to_have_count(14)
        for name in ("Play: WWWW", "Show: [fail]", "Play: A cat on"):
            page.get_by_role("button", name=name).click()
            dialog = page.get_by_role("dialog")
            expect(dialog.locator("#player-facts")).to_be_visible()
            if name.startswith("Play"):
                expect(dialog.locator("video")).to_be_visible()
            assert [] == page.evaluate(OVERFLOW)
            assert [] == page.evaluate(SMALL)
            watched.picture(page, "phone-player")
            page.get_by_role("button", name="Close").click()
        assert [] == page.evaluate(OVERFLOW)
        assert [] == page.evaluate(SMALL)
        assert 360 == page.evaluate("document.documentElement.scrollWidth")

    def test_the_time_of_another_day_fits_a_phone(self, watched: Watched, emulator: Emulator) -> None:
        emulator.control("advance", {"seconds": 987_654})
        page = watched.open(emulator.url, **PHONE)
        expect(page.locator("#ahead")).to_contain_text("11 d")
        assert 360 == page.evaluate("document.documentElement.scrollWidth")

    def test_a_phone_shows_what_to_do_first(self, watched: Watched, emulator: Emulator) -> None:
        page = watched.open(emulator.url, **PHONE)
        expect(page.locator("#command")).to_be_visible()
        watched.picture(page, "phone-empty")
        assert [] == page.evaluate(OVERFLOW)
        assert 360 == page.evaluate("document.documentElement.scrollWidth")
