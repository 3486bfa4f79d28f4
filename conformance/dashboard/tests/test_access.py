"""The page is usable by keyboard, on a phone, in the dark and without motion, and safe whatever a prompt holds."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from dashboard.tests.conftest import Emulator, Watched

KEY = "the-only-key"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</p><script>alert(2)</script>",
    "{{constructor.constructor('alert(3)')()}} ${alert(3)}",
    "javascript:alert(4)//\"'`",
    "\u202egnp.tac\u2066 and \u0007 bells",
    "W" * 900,
    "\N{PILE OF POO}" * 400,
)
PLAYS = """video => new Promise(resolve => {
  video.addEventListener("timeupdate", () => video.currentTime > 0.2 && resolve());
})"""
FOCUSED = """() => {
  const here = document.activeElement;
  const ring = [here, here.closest("label"), here.closest("li")].find((each) => {
    const { outlineWidth, outlineStyle } = each ? getComputedStyle(each) : {};
    return parseFloat(outlineWidth) >= 2 && outlineStyle !== "none";
  });
  return [here.getAttribute("aria-label") ?? (here.value || here.textContent), Boolean(ring)];
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


def fill(emulator: Emulator) -> None:
    """Add a job in each state."""
    emulator.seed("Waves at night, seen from a lighthouse", size="1280x720", completed_at=1_000_000_000)
    emulator.seed("A cat on a skateboard rides down a hill at sunset, in the style of an old film", size="720x1280")
    emulator.seed("A dog", status="failed", error={"code": "content_policy_violation", "message": "Refused."})
    emulator.seed("A train in the snow", size="1280x720", seconds="2")
    emulator.seed("A crowded market in the rain", status="in_progress", progress=64)
    emulator.seed("The last tree", status="queued")


def open_filled(watched: Watched, emulator: Emulator, **options: object) -> Page:
    fill(emulator)
    page = watched.open(emulator.url, **options)
    expect(page.locator(".job")).to_have_count(6)
    for job in page.locator(".job[data-playable=true]").all():
        job.scroll_into_view_if_needed()
        expect(job.locator("img")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    return page


class TestKeyboard:
    def test_everything_is_reached_in_order_and_shows_it(self, watched: Watched, emulator: Emulator) -> None:
        page = open_filled(watched, emulator)
        reached: list[str] = []
        for _ in range(14):
            page.keyboard.press("Tab")
            name, is_marked = page.evaluate(FOCUSED)
            assert is_marked, name
            reached.append(name.partition(":")[0] if name.startswith(("Show", "Play", "Finish:", "Let")) else name)
        assert reached == [
            *("Skip to the videos", "", "+1 s", "+10 s", "Finish all"),
            *("Show", "Finish", "Let fail", "Show", "Finish", "Let fail"),
            *("Play", "Show", "Play"),
        ]

    def test_the_skip_link_leads_to_the_list(self, page: Page, emulator: Emulator) -> None:
        emulator.seed("One")
        expect(page.locator(".job")).to_have_count(1)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#jobs")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Play: One")).to_be_focused()

    @pytest.mark.parametrize("key", ["Enter", "Space"])
    def test_the_player_opens_closes_and_gives_the_focus_back(self, page: Page, emulator: Emulator, key: str) -> None:
        emulator.seed("Other")
        emulator.seed("One")
        button = page.get_by_role("button", name="Play: Other")
        button.focus()
        page.keyboard.press(key)
        dialog = page.get_by_role("dialog", name="Completed video")
        expect(dialog.locator("video")).to_be_visible()
        expect(dialog.get_by_role("button", name="Close")).to_be_focused()
        for _ in range(12):  # nothing behind it is reached
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.matches('body, dialog *')")
        emulator.create("A new one")
        expect(page.locator(".job")).to_have_count(3)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator("video")).to_have_count(0)
        expect(button).to_be_focused()

    def test_the_focus_goes_to_the_list_when_the_job_is_gone(self, page: Page, emulator: Emulator) -> None:
        id_ = emulator.seed("One")
        page.get_by_role("button", name="Play: One").press("Enter")
        expect(page.locator("video")).to_be_visible()
        assert 200 == httpx.delete(f"{emulator.url}v1/videos/{id_}").status_code
        expect(page.locator(".job")).to_have_count(0)
        page.keyboard.press("Escape")
        expect(page.locator("#jobs")).to_be_focused()


class TestPlayer:
    def test_the_clip_plays(self, page: Page, emulator: Emulator, watched: Watched) -> None:
        emulator.seed("A train in the snow, and nobody waits for it", size="1280x720", seconds="2")
        page.get_by_role("button", name="Play: A train").click()
        video = page.locator("video")
        expect(video).to_be_visible()
        video.evaluate(PLAYS)
        facts = video.evaluate("({duration, videoWidth, videoHeight}) => [duration, videoWidth, videoHeight]")
        assert [2, 1280, 720] == [round(fact) for fact in facts]
        watched.picture(page, "player")
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download").click()
        assert saved.value.suggested_filename.startswith("video_")
        assert b"ftyp" == saved.value.path().read_bytes()[4:8]
        page.mouse.click(5, 5)
        expect(page.get_by_role("dialog")).to_be_hidden()

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
    def test_all_text_is_legible(self, watched: Watched, emulator: Emulator, scheme: str) -> None:
        page = open_filled(watched, emulator, color_scheme=scheme)
        watched.picture(page, f"desktop-{scheme}")
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, back[4:-1].split(","))) < 64) == (scheme == "dark")
        found: list[tuple[str, float]] = page.evaluate(CONTRASTS)
        page.get_by_role("button", name="Show: A dog").click()
        expect(page.get_by_role("dialog")).to_contain_text("Refused.")
        found += page.evaluate(CONTRASTS)
        assert len(found) > 80
        assert [] == [each for each in found if each[1] < 4.5]
        assert {"Queued", "In progress", "Completed", "Failed", "Refused.", "expired"} <= {text for text, _ in found}

    def test_a_phone_shows_all_of_it(self, watched: Watched, emulator: Emulator) -> None:
        page = open_filled(watched, emulator, **PHONE)
        for prompt in HOSTILE:
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

    def test_a_phone_shows_what_to_do_first(self, watched: Watched, emulator: Emulator) -> None:
        page = watched.open(emulator.url, **PHONE)
        expect(page.locator("#command")).to_be_visible()
        watched.picture(page, "phone-empty")
        assert [] == page.evaluate(OVERFLOW)
        assert 360 == page.evaluate("document.documentElement.scrollWidth")


class TestHostilePrompts:
    def test_they_are_text_wherever_they_stand(self, page: Page, emulator: Emulator) -> None:
        images = page.locator("img").count()
        for prompt in HOSTILE:
            emulator.seed(prompt, status="queued", model=prompt, error={"code": prompt[:50], "message": prompt})
        expect(page.locator(".job")).to_have_count(len(HOSTILE))
        assert images + len(HOSTILE) == page.locator("img").count()
        emulator.control("advance", {"to": "failed", "error": {"code": HOSTILE[0], "message": HOSTILE[0]}})
        expect(page.locator(".job").last.locator(".prompt")).to_have_text(HOSTILE[0])
        expect(page.locator(".job").last.locator(".error")).to_have_text(f"{HOSTILE[0]} {HOSTILE[0]}")
        names = page.locator(".job .open").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
        assert all(len(name) <= 70 and name == name.encode(errors="replace").decode() for name in names)
        for place, prompt in enumerate(reversed(HOSTILE)):
            page.locator(".job .open").nth(place).click()
            # The list has the beginning of a long prompt; the whole comes a moment later.
            expect(page.locator("#player-prompt")).to_have_js_property("textContent", prompt)
            page.keyboard.press("Escape")
        assert 0 == page.locator("script:not([src]), [onerror]").count()
        assert images + len(HOSTILE) == page.locator("img").count()

    def test_the_policy_stops_what_is_put_into_the_page(self, page: Page, watched: Watched) -> None:
        watched.expect("Content Security Policy|TrustedHTML|ERR_BLOCKED")
        watched.expect("Refused to|violates the following|requires 'Trusted")
        tried = page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.append("window.ran = 1");
              document.body.append(script);
              const frame = document.createElement("iframe");
              frame.src = "/";
              document.body.append(frame);
              const refused = [];
              for (const write of [
                () => document.body.setAttribute("onclick", "window.ran = 2"),
                () => { document.body.innerHTML = "<b>no</b>"; },
                () => setTimeout("window.ran = 3"),
              ]) try { write(); } catch (error) { refused.push(error.name); }
              document.body.click();
              return [window.ran ?? 0, refused];
            }"""
        )
        assert [0, ["TypeError", "TypeError", "TypeError"]] == tried
        assert watched.problems


@pytest.mark.parametrize("arguments", [["--pace", "manual", "--api-key", KEY]])
class TestKey:
    def test_it_is_asked_for_and_kept_nowhere(self, emulator: Emulator, watched: Watched) -> None:
        watched.expect("401")
        emulator.seed("One")
        page = watched.open(emulator.url)
        field = page.get_by_label("API key")
        expect(field).to_be_focused()
        expect(page.locator("#board")).to_be_hidden()
        assert [] == [request.url for request in watched.requests if "/jobs" in request.url]
        watched.picture(page, "key")
        for wrong, reason in (("wrong", "The API key is not valid."), ("schlüssel", "A key is printable ASCII")):
            field.fill(wrong)
            field.press("Enter")
            expect(page.get_by_role("alert").filter(has_text=reason)).to_be_visible()
            expect(field).to_have_value("")
            expect(field).to_be_focused()
        field.fill(KEY)
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("#link")).to_have_text("Live")
        expect(field).to_be_hidden()
        expect(page.locator(".job img")).to_be_visible()
        page.get_by_role("button", name="Play: One").click()
        expect(page.locator("video")).to_have_js_property("readyState", 4)
        assert [] == [request.url for request in watched.requests if KEY in request.url]
        assert KEY not in page.content()
        kept = page.evaluate("[{...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href]")
        assert KEY not in json.dumps(kept)
        page.reload()
        expect(field).to_be_focused()
        expect(page.locator(".job")).to_have_count(0)

    def test_the_line_that_creates_a_job_names_the_variable(self, emulator: Emulator, watched: Watched) -> None:
        page = watched.open(emulator.url)
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("API key").press("Enter")
        argv = shlex.split(page.locator("#command").inner_text())
        assert "Authorization: Bearer $OPENVIDEOS_API_KEY" == argv[argv.index("-H") + 1]

    def test_a_restart_with_another_key_asks_again(self, emulator: Emulator, watched: Watched) -> None:
        watched.expect("401|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE")
        page = watched.open(emulator.url)
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("API key").press("Enter")
        expect(page.locator("#link")).to_have_text("Live")
        emulator.restart("--pace", "manual", "--api-key", "another")
        expect(page.locator("#link")).to_have_text("Key needed")
        expect(page.get_by_label("API key")).to_be_focused()
        expect(page.locator("#board")).to_be_hidden()
        expect(page.locator("#notice")).to_be_hidden()
