"""What was sent is shown as it comes, whole on a click, and as a text whatever it holds."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.tests.conftest import Emulator, Watched

    Look = Callable[[Page, str], Locator]

KEY = "sk-of-this-test"


def test_they_appear_as_they_come_with_what_was_wrong(page: Page, emulator: Emulator, look: Look) -> None:
    view = look(page, "Requests")
    expect(view).to_contain_text("None yet.")
    emulator.send("GET", "videos?limit=2")
    emulator.send("POST", "videos", json={"prompt": "A cat", "size": "0x0"})
    emulator.control("faults", {"status": 503, "delay": 0.001})
    emulator.send("GET", "nothing/here")
    emulator.send("GET", "nothing/here")
    lines = view.locator(".line")
    expect(lines).to_have_count(4)
    expect(lines.locator("[data-part=operation]")).to_have_text(["", "", "create_video", "list_videos"])
    expect(lines.locator(".status")).to_have_text(["404", "503", "400", "200"])
    expect(lines.locator("code").last).to_have_text("/v1/videos?limit=2")
    expect(lines.nth(2).locator(".error")).to_contain_text("size")
    expect(lines.nth(1)).to_contain_text("Planned: status 503, delay 0.001 s")
    expect(lines.nth(0).locator(".planned")).to_be_hidden()
    expect(page.locator("#requests-badge")).to_have_text("4")
    assert ["bad", "bad", "bad", "good"] == lines.evaluate_all("all => all.map(each => each.dataset.kind)")


def test_one_that_is_under_way_is_shown_until_its_end(page: Page, emulator: Emulator, look: Look) -> None:
    emulator.control("faults", {"reset": "before_body"})
    view, facts = look(page, "Requests"), page.locator("#exchange-facts")
    body = b'{"prompt": "A cat", "size": "128x96"}'
    head = f"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port)) as client:
        client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:9])
        expect(view.locator(".status")).to_have_text("under way")
        view.locator(".sent").click()
        expect(facts).to_contain_text("under way")
        client.sendall(body[9:])
        expect(facts).to_contain_text("200, cut off")
    page.keyboard.press("Escape")
    expect(view.locator(".status")).to_have_text("cut")


def test_the_whole_exchange_is_shown_on_a_click(page: Page, emulator: Emulator, look: Look, watched: Watched) -> None:
    fields = {"prompt": "A boat", "size": "128x96"}
    emulator.send("POST", "videos", data=fields, files={"input_reference": ("boat.png", b"no picture", "image/png")})
    id_ = emulator.create("A cat")
    emulator.control("advance", {})
    length = len(emulator.send("GET", f"videos/{id_}/content").content)
    view, dialog = look(page, "Requests"), page.get_by_role("dialog")
    expect(view.locator(".sent")).to_have_count(3)
    button = view.locator(".sent").last
    button.press("Enter")
    expect(dialog.get_by_role("heading", name="POST create_video")).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    for text in ("input_reference is not an image", "boat.png, image/png, 10 bytes", "authorization: ***", "A boat"):
        expect(dialog).to_contain_text(text)
    expect(dialog).to_contain_text("curl -i -g -X POST --form-string 'prompt=A boat'")
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('body, dialog, dialog *')")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    view.locator(".sent", has_text="create_video").first.click()
    expect(dialog.locator("pre").first).to_have_text(
        json.dumps({"prompt": "A cat", "size": "128x96", "seconds": "1"}, indent=2)
    )
    expect(dialog.locator("pre").nth(1)).to_contain_text(f'"id": "{id_}"')
    page.keyboard.press("Escape")
    view.locator(".sent", has_text="download_video_content").click()
    expect(dialog).to_contain_text(f"{length:,} bytes, which are no text and are not kept.")
    assert [] == [each for each in watched.requests if "/v1/" in each.url]  # the page sends none of its own


def test_it_is_copied_as_curl(page: Page, emulator: Emulator, look: Look) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    emulator.send("POST", "videos", json={"prompt": 'It\'s "a" cat'})
    look(page, "Requests").locator(".sent").click()
    button = page.locator("#exchange-copy")
    expect(button).to_be_enabled()
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.locator("#news")).to_have_text("Copied")
    [sent] = emulator.control("requests")["requests"]
    assert emulator.control(f"requests/{sent['number']}")["curl"] == page.evaluate("navigator.clipboard.readText()")


def test_a_body_that_is_too_long_is_shown_in_part(page: Page, emulator: Emulator, look: Look) -> None:
    emulator.send("POST", "videos", json={"prompt": "x" * 100_000})
    look(page, "Requests").locator(".sent").click()
    expect(page.locator("#exchange")).to_contain_text("The beginning of 100,0")
    assert 65_536 == page.locator("#exchange pre").first.evaluate("pre => pre.textContent.length")


def test_they_are_chosen_by_operation_and_by_failure(page: Page, emulator: Emulator, look: Look) -> None:
    view = look(page, "Requests")
    for path in ("videos", "videos/video_unknown", "videos", "nothing"):
        emulator.send("GET", path)
    operations = view.get_by_label("Operation")
    expect(operations.locator("option")).to_have_text(
        ["All operations", "list_videos", "retrieve_video", "other paths"], use_inner_text=False
    )
    operations.select_option("list_videos")
    expect(view.locator(".line")).to_have_count(2)
    expect(view).to_contain_text("2 of 4 requests")
    view.get_by_label("Failed only").check()
    expect(view.locator(".line")).to_have_count(0)
    expect(view).to_contain_text("None of them is like that.")
    operations.select_option("")
    expect(view.locator(".status")).to_have_text(["404", "404"])
    operations.select_option("other paths")
    expect(view.locator("code")).to_have_text(["/v1/nothing"])
    emulator.send("GET", "nothing/else")
    expect(view.locator("code")).to_have_text(["/v1/nothing/else", "/v1/nothing"])


def test_a_reset_and_a_restart_begin_anew(page: Page, emulator: Emulator, look: Look, watched: Watched) -> None:
    watched.expect_the_emulator_away()
    view = look(page, "Requests")
    for _ in range(3):
        emulator.send("GET", "videos")
    expect(view.locator(".line")).to_have_count(3)
    emulator.control("reset", {})
    expect(view.locator(".line")).to_have_count(0)
    for _ in range(2):
        emulator.send("GET", "videos")
    expect(view.locator(".line")).to_have_count(2)
    emulator.kill()
    expect(page.locator("#link")).to_have_text("Not connected")
    emulator.start()
    emulator.send("GET", "videos/video_1")
    expect(view.locator("code")).to_have_text(["/v1/videos/video_1"])


def test_what_is_gone_from_the_log_is_told(page: Page, emulator: Emulator, look: Look, watched: Watched) -> None:
    watched.expect("404")
    emulator.send("GET", "videos")
    line = look(page, "Requests").locator(".sent")
    expect(line).to_be_visible()
    [sent] = emulator.control("requests")["requests"]
    number = sent["number"]
    page.route(f"**/_emulator/requests/{number}", lambda route: (emulator.control("reset", {}), route.continue_()))
    line.click()
    expect(page.get_by_role("dialog")).to_contain_text(f"The request {number} is not in the log")
    page.keyboard.press("Escape")
    expect(page.locator("#requests-title")).to_be_focused()


def test_hostile_texts_stay_texts(page: Page, emulator: Emulator, look: Look, hostile: tuple[str, ...]) -> None:
    view = look(page, "Requests")
    for text in hostile:
        sent = json.dumps({"prompt": text, "size": text, text[:40]: [text]})
        headers = {"x-text": ascii(text), "content-type": "application/json"}
        emulator.send("POST", f"videos/{quote(text[:60], safe='<>')}", content=sent, headers=headers)
        emulator.send("POST", "videos", content=sent, headers=headers)
        emulator.send("POST", "videos", data={"prompt": text}, files={"input_reference": (text[:40], b"x", text[:20])})
    emulator.control("faults", {"status": 400, "body": hostile[0], "headers": {"x-text": hostile[0]}})
    emulator.send("GET", "videos")
    expect(view.locator(".line")).to_have_count(3 * len(hostile) + 1)
    for line in view.locator(".sent").all():
        line.click()
        expect(page.locator("#exchange pre").first).to_be_visible()
        page.keyboard.press("Escape")
    view.locator(".sent").first.click()
    expect(page.locator("#exchange")).to_contain_text(hostile[0])
    assert 0 == page.locator("script:not([src]), [onerror], #requests img, #exchange img").count()


@pytest.mark.parametrize("arguments", [["--pace", "manual", "--api-key", KEY]])
def test_no_key_is_shown(watched: Watched, emulator: Emulator, look: Look) -> None:
    page = watched.open(emulator.url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("API key").press("Enter")
    emulator.send("POST", "videos", json={"prompt": f"The key is {KEY}"})
    look(page, "Requests").locator(".sent").click()
    expect(page.locator("#exchange")).to_contain_text("$OPENVIDEOS_API_KEY")
    for place in ("#requests", "#exchange"):  # the video's prompt is the user's own
        assert KEY not in page.locator(place).inner_html()


def test_five_thousand_of_them_stay_fast(
    page: Page, emulator: Emulator, look: Look, measure: Callable[[Page], Callable[[], float]]
) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port)) as client, client.makefile("rb") as answers:
        for _ in range(52):
            client.sendall(b"HEAD /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100)
            for _ in range(100):
                while answers.readline().strip():
                    pass
    worked = measure(page)
    view = look(page, "Requests")
    expect(view.locator(".pages")).to_contain_text("1 to 100 of 5,000")
    expect(view.locator(".line")).to_have_count(100)
    view.get_by_role("button", name="Older").press("Enter")
    expect(view.locator(".pages")).to_contain_text("101 to 200 of 5,000")
    expect(view.locator(".sent").first).to_be_focused()
    for _ in range(2):
        emulator.send("GET", "videos")
    view.get_by_label("Operation").select_option("list_videos")
    expect(view.locator(".line")).to_have_count(2)
    expect(view).to_contain_text("2 of 5,000 requests")
    view.locator(".sent").first.click()
    expect(page.locator("#exchange pre").first).to_be_visible()
    assert worked() < 3
    assert page.evaluate("document.querySelectorAll('*').length") < 2500
