"""Jobs are started, faults planned and webhooks followed from the page; what is refused is told beside the form."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dashboard.tests.conftest import Emulator, Watched

    Look = Callable[[Page, str], Locator]

KEY = "sk-of-this-test"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


class TestNewVideo:
    def test_it_is_started_by_the_videos_api(self, page: Page, emulator: Emulator, watched: Watched) -> None:
        page.get_by_role("button", name="New", exact=True).click()
        expect(page.locator("#create textarea")).to_be_focused()
        for name, value in (("Prompt", "A boat, at sea"), ("Model", "m"), ("Size", "128x96"), ("Seconds", "1")):
            page.locator("#create").get_by_label(name).fill(value)
        page.keyboard.press("Enter")
        expect(page.locator(".job .prompt")).to_have_text("A boat, at sea")
        [job] = emulator.control("state")["jobs"]
        assert ("A boat, at sea", "m", "128x96", "1") == tuple(
            job[name] for name in ("prompt", "model", "size", "seconds")
        )
        expect(page.locator("#create-result")).to_have_text(f"Started {job['id']}")
        for name in ("Model", "Size", "Seconds"):
            page.locator("#create").get_by_label(name).fill(" ")
        page.get_by_role("button", name="Start").click()
        expect(page.locator(".job")).to_have_count(2)  # what is empty is not sent
        assert ["/v1/videos"] * 2 == [each["path"] for each in emulator.control("requests")["requests"]]
        watched.picture(page, "new")

    def test_what_is_wrong_is_told_beside_it(self, page: Page, emulator: Emulator, watched: Watched) -> None:
        watched.expect("400|503")
        watched.expect_the_emulator_away()
        page.get_by_role("button", name="New", exact=True).click()
        form, start = page.locator("#create"), page.get_by_role("button", name="Start")
        start.click()
        expect(page.locator("#create-error")).to_contain_text("prompt")
        form.get_by_label("Prompt").fill("A cat")
        form.get_by_label("Seconds").fill("four")
        start.click()
        expect(page.locator("#create-error")).to_contain_text('seconds is "four"')
        form.get_by_label("Seconds").fill("1")
        for body, told in (
            ({"error": {"message": "Busy."}}, "Busy."),
            ({"detail": "Full."}, "Full."),
            ("", "the status 503"),
        ):
            emulator.control("faults", {"status": 503, "body": body})
            start.click()
            expect(page.locator("#create-error")).to_contain_text(told)
        start.click()
        expect(page.locator("#create-error")).to_be_empty()
        expect(page.locator(".job")).to_have_count(1)
        emulator.kill()
        start.click()
        expect(page.locator("#create-error")).to_contain_text("it is unknown whether the job was started")

    @pytest.mark.parametrize("arguments", [["--pace", "manual", "--api-key", KEY]])
    def test_it_carries_the_key_of_the_page(self, watched: Watched, emulator: Emulator) -> None:
        page = watched.open(emulator.url)
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("API key").press("Enter")
        page.get_by_role("button", name="New", exact=True).click()
        page.locator("#create textarea").fill("A cat")
        page.get_by_role("button", name="Start").click()
        expect(page.locator(".job")).to_have_count(1)


class TestFaults:
    @pytest.mark.parametrize(
        ("kind", "fields", "planned"),
        [
            ("status", {}, {"status": 500}),
            ("status", {"status": "429", "times": "3"}, {"status": 429, "times": 3}),
            ("status", {"carried_out": "yes"}, {"status": 500, "carried_out": True}),
            ("delay", {"delay": "0.5"}, {"delay": 0.5}),
            ("reset", {"reset": "before_body"}, {"reset": "before_body"}),
            ("truncate", {"truncate": "7"}, {"truncate": 7}),
            ("stall", {}, {"stall": {"at": 1000, "seconds": None}}),
            ("stall", {"seconds": "2"}, {"stall": {"at": 1000, "seconds": 2}}),
            (
                "other",
                {"further": '{"content_length": 9, "method": "GET"}'},
                {"content_length": 9, "method": "GET"},
            ),
            (
                "delay",
                {"operation": "create_video", "prompt": "1*"},
                {"delay": 5, "operation": "create_video", "prompt": "1*"},
            ),
        ],
    )
    def test_each_kind_is_planned(
        self, page: Page, emulator: Emulator, look: Look, kind: str, fields: dict[str, str], planned: dict[str, Any]
    ) -> None:
        view = look(page, "Faults")
        view.get_by_role("button", name="Add").click()
        view.get_by_label("What happens").select_option(kind)
        for name, value in fields.items():
            field = view.locator(f"[name={name}]:visible")
            if value == "yes":
                field.check()
            elif name in {"reset", "operation"}:
                field.select_option(value)
            else:
                field.fill(value)
        view.get_by_role("button", name="Plan").click()
        expect(view.locator(".line")).to_have_count(1)
        expect(page.locator("#faults-badge")).to_have_text("1")
        expect(page.locator("#news")).to_have_text("The fault is planned.")
        [fault] = emulator.control("faults")["faults"]
        expect(view.locator(".line b")).to_have_text(fault["summary"])
        told = {name: value for name, value in fault.items() if name not in {"number", "summary", "left"}}
        assert {"times": 1, **planned} == told

    def test_what_is_wrong_is_told_beside_the_form(self, page: Page, look: Look, watched: Watched) -> None:
        watched.expect("400")
        view = look(page, "Faults")
        view.get_by_role("button", name="Add").click()
        for name, value, told in (
            ("further", "{", "The further fields are no JSON"),
            ("further", '{"headers": {"a b": "c"}}', "headers"),
            ("further", '{"nothing": 1}', "nothing"),
            ("status", "teapot", 'status is "teapot"'),
            ("times", "0", "times"),
        ):
            field = view.locator(f"[name={name}]:visible")
            before = field.input_value()
            field.fill(value)
            view.get_by_role("button", name="Plan").click()
            expect(view.locator("#plan-error")).to_contain_text(told)
            field.fill(before)
        view.get_by_role("button", name="Plan").click()
        expect(view.locator("#plan-error")).to_be_empty()
        expect(view.locator(".line")).to_have_count(1)

    def test_they_are_shown_until_they_have_happened(self, page: Page, emulator: Emulator, look: Look) -> None:
        view = look(page, "Faults")
        expect(view).to_contain_text("None.")
        emulator.control("faults", {"status": 503, "times": 2, "operation": "create_video", "prompt": "*boat*"})
        emulator.control("faults", {"status": 404, "times": 2})
        expect(view.locator(".line b")).to_have_text(["status 503", "status 404"])
        expect(view.locator(".line .hint")).to_have_text(
            ["create_video, prompt *boat*; 2 of 2 times left", "Any request; 2 of 2 times left"]
        )
        emulator.send("GET", "videos")
        expect(view.locator(".line .hint").last).to_have_text("Any request; 1 of 2 times left")
        emulator.send("GET", "videos")
        expect(view.locator(".line")).to_have_count(1)

    def test_one_is_removed_or_all(self, page: Page, emulator: Emulator, look: Look, watched: Watched) -> None:
        watched.expect("404")
        view = look(page, "Faults")
        for status in (500, 502, 503):
            emulator.control("faults", {"status": status})
        expect(view.locator(".line")).to_have_count(3)
        view.get_by_role("button", name="Remove: status 502").press("Enter")
        expect(view.locator(".line b")).to_have_text(["status 500", "status 503"])
        expect(view.get_by_role("button", name="Remove: status 503")).to_be_focused()
        expect(page.locator("#news")).to_have_text("The fault is removed.")
        # One that has just happened is gone already, and the page says so.
        page.route("**/_emulator/faults/*", lambda route: (emulator.send("GET", "videos"), route.continue_()))
        view.get_by_role("button", name="Remove: status 500").click()
        expect(page.locator("#notice")).to_contain_text(re.compile(r"The fault \d+ is not planned"))
        emulator.control("faults", {"delay": 3})
        expect(view.locator(".line b")).to_have_text(["status 503", "delay 3 s"])
        view.get_by_role("button", name="Remove all").press("Enter")
        expect(view.locator(".line")).to_have_count(0)
        expect(view.get_by_role("button", name="Remove all")).to_be_hidden()
        assert [] == emulator.control("faults")["faults"]


class _Receiver(ThreadingHTTPServer):
    """A receiver of webhooks, which answers with `status`."""

    daemon_threads = True
    status = 500


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(cast("_Receiver", self.server).status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class TestWebhooks:
    @pytest.fixture
    def receiver(self) -> Iterator[_Receiver]:
        with _Receiver(("127.0.0.1", 0), _Handler) as receiver:
            thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
            thread.start()
            yield receiver
            receiver.shutdown()
            thread.join()

    @pytest.fixture
    def arguments(self, receiver: _Receiver) -> list[str]:
        url = f"http://127.0.0.1:{receiver.server_port}/hooks?token=hidden"
        return ["--pace", "manual", "--webhook-url", url, "--webhook-secret", SECRET]

    def test_attempts_and_answers_are_shown(
        self, page: Page, emulator: Emulator, look: Look, receiver: _Receiver, watched: Watched
    ) -> None:
        view = look(page, "Webhooks")
        expect(view).to_contain_text(f"Sent to http://127.0.0.1:{receiver.server_port}/hooks?***.")
        id_ = emulator.create("[fail]")
        emulator.control("advance", {})
        line = view.locator(".line")
        expect(line).to_contain_text("answered with 500; next at")
        expect(line.locator(".status")).to_have_text("Pending")
        expect(line.locator("b")).to_have_text("video.failed")
        expect(line.locator("code")).to_have_text(id_)
        expect(page.locator("#webhooks-badge")).to_have_text("1")
        watched.picture(page, "webhooks-pending")
        receiver.status = 204
        emulator.control("advance", {"seconds": 100})
        expect(line.locator(".status")).to_have_text("Delivered")
        expect(line).to_contain_text("answered with 204")
        expect(page.locator("#webhooks-badge")).to_be_empty()
        line.get_by_text("All attempts").click()
        tried = line.get_by_role("listitem")
        expect(tried.first).to_contain_text("answered with 500")
        expect(tried.last).to_contain_text("answered with 204")
        receiver.status = 410
        emulator.create("Another")
        emulator.control("advance", {})
        expect(line.locator(".status")).to_have_text(["Given up", "Delivered"])
        expect(line.first).to_contain_text("1 attempt; the last at")
        expect(line.first.locator("details")).to_be_hidden()
        content = page.content()
        assert "hidden" not in content.replace("hidden=", "")
        assert SECRET not in content

    def test_without_an_answer_the_reason_is_shown(
        self, page: Page, emulator: Emulator, look: Look, receiver: _Receiver
    ) -> None:
        receiver.shutdown()
        receiver.server_close()
        emulator.create()
        emulator.control("advance", {})
        expect(look(page, "Webhooks").locator(".line")).to_contain_text("ConnectError")


def test_without_a_url_it_is_said_how_to_have_webhooks(page: Page, look: Look) -> None:
    expect(look(page, "Webhooks")).to_contain_text("Webhooks are not sent.")
