"""The page is usable by keyboard, and safe whatever a prompt holds; it keeps no key."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.tests.conftest import Emulator, Watched

KEY = "the-only-key"
# What has the focus behind an open dialog.
AWAY = """() => {
  const here = document.activeElement;
  return here.matches("body, dialog, dialog *") ? null : here.outerHTML.slice(0, 80);
}"""
FOCUSED = """() => {
  const here = document.activeElement;
  const ring = [here, here.closest("label"), here.closest("li")].find((each) => {
    const { outlineWidth, outlineStyle } = each ? getComputedStyle(each) : {};
    return parseFloat(outlineWidth) >= 2 && outlineStyle !== "none";
  });
  return [here.getAttribute("aria-label") ?? (here.value || here.textContent), Boolean(ring)];
}"""


class TestKeyboard:
    def test_everything_is_reached_in_order_and_shows_it(self, open_filled: Callable[..., Page]) -> None:
        page = open_filled()
        reached: list[str] = []
        for _ in range(16):
            page.keyboard.press("Tab")
            name, is_marked = page.evaluate(FOCUSED)
            assert is_marked, name
            reached.append(name.partition(":")[0] if name.startswith(("Show", "Play", "Finish:", "Let")) else name)
        assert reached == [
            *("Skip to the videos", "videos", "", "New", "+1 s", "+10 s", "Finish all"),
            *("Show", "Finish", "Let fail", "Show", "Finish", "Let fail"),
            *("Play", "Show", "Play"),
        ]

    def test_what_lies_beside_the_videos_is_reached_too(
        self, watched: Watched, emulator: Emulator, look: Callable[[Page, str], Locator]
    ) -> None:
        emulator.send("GET", "videos")
        emulator.control("faults", {"status": 503, "operation": "create_video"})
        page = watched.open(emulator.url, viewport={"width": 1400, "height": 900})
        expected = {
            "Requests": ["All operations", "on", "GET"],
            "Webhooks": [],
            "Faults": ["Add", "Remove: status 503"],
        }
        for name, controls in expected.items():
            view = look(page, name)
            expect(view.get_by_role("listitem")).to_have_count(1 if controls else 0)
            page.get_by_role("button", name="Finish all").focus()
            page.keyboard.press("Tab")  # the command
            page.keyboard.press("Tab")  # its button
            reached: list[str] = []
            for _ in controls:
                page.keyboard.press("Tab")
                said, is_marked = page.evaluate(FOCUSED)
                assert is_marked, said
                assert view.evaluate("view => view.contains(document.activeElement)")
                reached.append(said)
            assert all(said.strip().startswith(control) for control, said in zip(controls, reached, strict=True)), (
                reached
            )

    def test_a_view_is_chosen_by_the_arrows(self, page: Page) -> None:
        page.get_by_role("radio", name="Videos").focus()
        for name in ("requests", "webhooks", "faults", "videos"):
            page.keyboard.press("ArrowRight")
            expect(page.locator(f"#{name}")).to_be_visible()
            expect(page.locator(".board > section:visible")).to_have_count(1)

    def test_on_a_wide_page_the_videos_stay(self, page: Page, look: Callable[[Page, str], Locator]) -> None:
        page.set_viewport_size({"width": 1400, "height": 900})
        expect(page.locator("#videos")).to_be_visible()
        expect(page.locator("#requests")).to_be_visible()
        look(page, "Faults")
        expect(page.locator("#videos")).to_be_visible()
        page.set_viewport_size({"width": 1100, "height": 900})
        expect(page.locator("#videos")).to_be_hidden()
        expect(page.locator("#faults")).to_be_visible()

    @pytest.mark.parametrize(("name", "opener"), [("Videos", "New"), ("Faults", "Add")])
    def test_escape_closes_a_form(
        self, page: Page, look: Callable[[Page, str], Locator], name: str, opener: str
    ) -> None:
        view = look(page, name)
        button = view.get_by_role("button", name=opener, exact=True)
        button.press("Enter")
        expect(view.locator("form")).to_be_visible()
        assert page.evaluate("document.activeElement.form !== undefined")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(view.locator("form")).to_be_hidden()
        expect(button).to_be_focused()
        expect(button).to_have_attribute("aria-expanded", "false")

    def test_requests_and_the_time_are_not_read_aloud(
        self, watched: Watched, emulator: Emulator, look: Callable[[Page, str], Locator]
    ) -> None:
        page = watched.open(emulator.url, viewport={"width": 1400, "height": 900})
        expect(page.locator("#link")).to_have_text("Live")
        page.evaluate(
            """() => {
              window.told = [];
              for (const each of document.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
                const observer = new MutationObserver(() => told.push(each.id));
                observer.observe(each, {childList: true, characterData: true, subtree: true});
              }
            }"""
        )
        before = page.locator("#now").inner_text()
        for number in range(10):
            emulator.send("GET", f"videos/video_{number}")
        emulator.control("faults", {"status": 503, "operation": "list_videos"})
        expect(page.locator("#requests-list .line")).to_have_count(10)
        expect(page.locator("#now")).not_to_have_text(before)
        assert [] == page.evaluate("told")
        emulator.create("One")
        expect(page.locator(".job")).to_have_count(1)
        emulator.control("advance", {})
        expect(page.locator("#news")).to_contain_text("One")
        assert ["news"] == page.evaluate("told")

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
            assert page.evaluate(AWAY) is None
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


class TestHostilePrompts:
    def test_they_are_text_wherever_they_stand(self, page: Page, emulator: Emulator, hostile: tuple[str, ...]) -> None:
        images = page.locator("img").count()
        for prompt in hostile:
            emulator.seed(prompt, status="queued", model=prompt, error={"code": prompt[:50], "message": prompt})
        expect(page.locator(".job")).to_have_count(len(hostile))
        assert images + len(hostile) == page.locator("img").count()
        emulator.control("advance", {"to": "failed", "error": {"code": hostile[0], "message": hostile[0]}})
        expect(page.locator(".job").last.locator(".prompt")).to_have_text(hostile[0])
        expect(page.locator(".job").last.locator(".error")).to_have_text(f"{hostile[0]} {hostile[0]}")
        names = page.locator(".job .open").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
        assert all(len(name) <= 70 and name == name.encode(errors="replace").decode() for name in names)
        for place, prompt in enumerate(reversed(hostile)):
            page.locator(".job .open").nth(place).click()
            # The list has the beginning of a long prompt; the whole comes a moment later.
            expect(page.locator("#player-prompt")).to_have_js_property("textContent", prompt)
            page.keyboard.press("Escape")
        assert 0 == page.locator("script:not([src]), [onerror]").count()
        assert images + len(hostile) == page.locator("img").count()

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
        assert [] == [request.url for request in watched.requests if "/_emulator/jobs" in request.url]
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
        expect(page.locator("#command")).to_be_visible()
        argv = shlex.split(page.locator("#command").inner_text())
        assert "Authorization: Bearer $OPENVIDEOS_API_KEY" == argv[argv.index("-H") + 1]

    def test_a_restart_with_another_key_asks_again(self, emulator: Emulator, watched: Watched) -> None:
        watched.expect("401")
        watched.expect_the_emulator_away()
        page = watched.open(emulator.url)
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("API key").press("Enter")
        expect(page.locator("#link")).to_have_text("Live")
        emulator.restart("--pace", "manual", "--api-key", "another")
        expect(page.locator("#link")).to_have_text("Key needed")
        expect(page.get_by_label("API key")).to_be_focused()
        expect(page.locator("#board")).to_be_hidden()
        expect(page.locator("#notice")).to_be_hidden()
