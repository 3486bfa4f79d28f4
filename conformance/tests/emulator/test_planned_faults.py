"""A planned fault happens to the requests that it names, in the order of the plan, and to no other."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator._model.fault_plan import Fault, FaultPlan, Target

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulator.conftest import Run, Server

FAULTS = f"{CONTROL}/faults"
SMALL = {"prompt": "A cat", "size": "64x48", "seconds": "1"}


def take(plan: FaultPlan, request: str) -> int | None:
    """Give the status of the fault that `METHOD /path operation` meets."""
    method, path, operation = request.split()
    fault = plan.take(Target(None if operation == "-" else operation, method, path))
    return None if fault is None else fault.status


class TestPlan:
    def test_faults_happen_in_order_and_are_used_up(self) -> None:
        plan = FaultPlan()
        plan.add(Fault(status=500, times=2))
        plan.add(Fault(status=503))
        assert [500, 500, 503, None] == [take(plan, "GET /v1/videos list_videos") for _ in range(4)]
        assert not plan

    @pytest.mark.parametrize(
        ("fault", "matching", "other"),
        [
            (Fault(operation="retrieve_video"), "GET /v1/videos/a retrieve_video", "GET /v1/videos list_videos"),
            (Fault(operation="retrieve_video"), "GET /v1/videos/a retrieve_video", "GET /v1/nothing -"),
            (Fault(method="POST"), "POST /v1/videos create_video", "GET /v1/videos list_videos"),
            (Fault(path="/v1/videos/*/content"), "GET /v1/videos/a/content x", "GET /v1/videos/a x"),
            (Fault(method="GET", path="/v1/videos/a*"), "GET /v1/videos/ab x", "DELETE /v1/videos/ab x"),
            (Fault(path="/v1/videos/A"), "GET /v1/videos/A x", "GET /v1/videos/a x"),
        ],
    )
    def test_a_fault_waits_for_a_request_that_matches(self, fault: Fault, matching: str, other: str) -> None:
        plan = FaultPlan()
        plan.add(fault)
        for request, is_left in ((other, True), (matching, False)):
            take(plan, request)
            assert is_left == bool(plan)

    @given(pattern=st.text("ab*", max_size=8), text=st.text("ab\n", max_size=12))
    def test_a_star_stands_for_any_characters(self, pattern: str, text: str) -> None:
        expected = re.fullmatch(pattern.replace("*", ".*"), text, re.DOTALL) is not None
        assert expected == Fault(prompt=pattern).matches(Target(None, "GET", "/", prompt=text))

    def test_many_stars_are_looked_for_in_a_long_text_at_once(self) -> None:
        fault = Fault(prompt="*the*cat*and*dog*")
        text = "the cat and the bird " * 1500  # a regular expression would try for hours
        assert [False, True] == [fault.matches(Target(None, "GET", "/", prompt=text + end)) for end in ("", "dog")]

    def test_a_fault_that_does_not_match_does_not_hold_up_the_next(self) -> None:
        plan = FaultPlan()
        plan.add(Fault(status=500, method="POST"))
        plan.add(Fault(status=503))
        assert [503, None] == [take(plan, "GET /v1/videos list_videos") for _ in range(2)]
        assert [500] == [each.fault.status for each in plan.pending()]

    @given(times=st.lists(st.integers(1, 5), max_size=6))
    def test_each_fault_happens_as_often_as_it_says(self, times: list[int]) -> None:
        plan = FaultPlan()
        for number, count in enumerate(times):
            plan.add(Fault(status=200 + number, times=count))
        expected = [200 + number for number, count in enumerate(times) for _ in range(count)]
        assert [*expected, None] == [take(plan, "GET / -") for _ in range(len(expected) + 1)]

    @given(steps=st.lists(st.one_of(st.none(), st.integers(1, 12)), max_size=24))
    def test_a_number_removes_one_fault_once(self, steps: list[int | None]) -> None:
        """A step of None plans a fault; a number removes that one."""
        plan, planned, removed = FaultPlan(), 0, set[int]()
        for step in steps:
            if step is None:
                plan.add(Fault(status=200))
                planned += 1
            else:
                assert plan.remove(step) == (step <= planned and step not in removed)
                removed |= {step} & set(range(planned + 1))
            left = set(range(1, planned + 1)) - removed
            assert sorted(left) == [each.number for each in plan.pending()]


class TestInMemory:
    """Behind any ASGI server or transport: responses, headers, delays and stalls."""

    def test_a_status_takes_the_place_of_the_response(self, serve: type[Server]) -> None:
        with serve() as server:
            body = {"status": 429, "headers": {"Retry-After": "7"}, "operation": "create_video", "times": 2}
            planned = server.ok("POST", FAULTS, json=body)["faults"]
            assert [{**body, "number": 1, "summary": "status 429, headers Retry-After", "left": 2}] == planned
            for _ in range(2):
                response = server.post("videos", json=SMALL)
                assert (429, "7") == (response.status_code, response.headers["retry-after"])
                assert "rate_limit_error" == response.json()["error"]["type"]
            assert [] == server.ok("GET", "videos")["data"]
            server.create()

    def test_one_is_removed_by_its_number(self, serve: type[Server]) -> None:
        with serve() as server:
            for status in (404, 409, 418):
                server.ok("POST", FAULTS, json={"status": status})
            number = server.ok("GET", FAULTS)["faults"][1]["number"]
            left = server.ok("DELETE", f"{FAULTS}/{number}")["faults"]
            assert [404, 418] == [each["status"] for each in left]
            for gone in (number, 99):
                error = server.refused(404, "DELETE", f"{FAULTS}/{gone}")
                assert "number" == error["param"]
                assert error["message"].startswith(f"The fault {gone} is not planned")
            assert "number" == server.refused(400, "DELETE", f"{FAULTS}/0")["param"]
            assert [404, 418] == [server.get("videos").status_code for _ in range(2)]
            assert 200 == server.get("videos").status_code

    @pytest.mark.parametrize(
        "headers", [{"content-length": "abc"}, {"Content-Length": "3"}, {"Transfer-Encoding": "x"}]
    )
    def test_headers_that_would_break_http_are_refused(self, serve: type[Server], headers: dict[str, str]) -> None:
        with serve() as server:
            error = server.refused(400, "POST", FAULTS, json={"headers": headers})
            assert f"headers.{next(iter(headers))}" == error["param"]
            assert "content_length, truncate and stall" in error["message"]

    def test_what_is_known_is_not_sent_again(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok("POST", FAULTS, json={"status": 404, "times": 2})
            etag = server.get(FAULTS).headers["etag"]
            known = {"If-None-Match": etag}
            assert (304, b"") == ((same := server.get(FAULTS, headers=known)).status_code, same.content)
            server.get("videos")
            assert 1 == server.ok("GET", FAULTS, headers=known)["faults"][0]["left"]
            assert "create_video" in server.ok("GET", FAULTS)["operations"]

    def test_an_effect_can_come_without_its_response(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok("POST", FAULTS, json={"status": 418, "carried_out": True, "times": 3})
            assert 418 == server.post("videos", json=SMALL).status_code
            assert 418 == server.get("videos/video_unknown").status_code
            id_ = next(server.app._engine.snapshots(now=0)).job.id
            assert 418 == server.get(f"videos/{id_}/content").status_code
            assert [id_] == [video["id"] for video in server.ok("GET", "videos")["data"]]

    @pytest.mark.parametrize(
        ("body", "expected", "media_type"),
        [
            ({"odd": 1}, b'{"odd": 1}', "application/json"),
            ("<html>", b"<html>", "text/plain; charset=utf-8"),
            ([], b"[]", "application/json"),
            (None, b"", None),
        ],
    )
    def test_a_body_is_sent_as_planned(
        self, serve: type[Server], body: object, expected: bytes, media_type: str | None
    ) -> None:
        with serve() as server:
            server.app._engine.faults.add(Fault(status=200, body=body))
            response = server.together(("GET", "videos"))[0]
            assert (expected, media_type) == (response.content, response.headers.get("content-type"))
            assert response.headers["x-request-id"]

    @pytest.mark.parametrize("body", [{}, {"operation": "list_videos"}, {"delay": 0}, {"headers": {}}, {"body": "x"}])
    def test_what_says_nothing_is_an_error_of_the_server(self, serve: type[Server], body: dict[str, Any]) -> None:
        with serve() as server:
            [planned] = server.ok("POST", FAULTS, json=body)["faults"]
            assert (500, "status 500") == (planned["status"], planned["summary"])
            assert 500 == server.together(("GET", "videos"))[0].status_code

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"operation": "list_videos", "prompt": "*"}, "prompt"),
            ({"operation": "list_models", "job": "video_1"}, "job"),
            ({"operation": "create_video", "job": "video_1"}, "job"),
            ({"operation": "create_video", "method": "GET"}, "method"),
            ({"operation": "create_video", "prompt": "*"}, None),
            ({"operation": "remix_video", "prompt": "*", "job": "video_1"}, None),
            ({"operation": "delete_video", "prompt": "*"}, None),
            ({"operation": "retrieve_video", "method": "HEAD"}, None),
            ({"method": "GET", "job": "video_1"}, None),
        ],
    )
    def test_what_can_never_happen_is_refused(
        self, serve: type[Server], body: dict[str, Any], param: str | None
    ) -> None:
        with serve() as server:
            response = server.post(FAULTS, json={"status": 404, **body})
            assert param == response.json().get("error", {}).get("param")
            assert (param is None) == (response.status_code == 200)

    def test_headers_can_be_changed_alone(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            id_ = server.create()["id"]
            server.ok("POST", FAULTS, json={"headers": {"openai-poll-after-ms": "soon"}})
            assert "soon" == server.get(f"videos/{id_}").headers["openai-poll-after-ms"]

    def test_delays_and_stalls_take_their_time(self, serve: type[Server]) -> None:
        with serve() as server:
            slept: list[float] = []

            async def sleep(delay: float) -> None:
                slept.append(delay)

            server.app._sleep = sleep
            server.ok("POST", FAULTS, json={"delay": 3.5, "stall": {"at": 9, "seconds": 60}})
            server.ok("GET", "videos")
            server.ok("POST", FAULTS, json={"stall": {"seconds": 2}})
            server.ok("GET", "videos")
            assert [3.5, 60, 2] == slept

    def test_faults_spare_control_and_can_be_taken_back(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok("POST", FAULTS, json={"status": 500, "times": 9})
            assert 9 == server.ok("GET", FAULTS)["faults"][0]["left"]
            assert [] == server.ok("DELETE", FAULTS)["faults"]
            server.ok("GET", "videos")

    def test_a_truncated_response_ends_early(self, serve: type[Server]) -> None:
        with serve() as server:
            server.app._engine.faults.add(Fault(truncate=10))
            response = server.together(("GET", "videos"))[0]
            assert (10, True) == (len(response.content), int(response.headers["content-length"]) > 10)

    def test_a_reset_is_an_error_of_the_transport(self, serve: type[Server]) -> None:
        with serve() as server:
            server.ok("POST", FAULTS, json={"reset": "before_answer"})
            with pytest.raises(ConnectionResetError):
                server.post("videos", json=SMALL)
            assert 1 == len(server.ok("GET", "videos")["data"])


def collect(client: httpx.Client, path: str, into: list[bytes]) -> None:
    with client.stream("GET", path) as response:
        for chunk in response.iter_raw():
            into.append(chunk)  # noqa: PERF402 - what came before a break stays


@pytest.fixture(scope="module")
def root(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one emulator for the tests that need a connection; give its URL without `/v1`."""
    directory: Path = tmp_path_factory.mktemp("faults")
    with run("--pace", "instant", cwd=directory) as (_, base_url):
        yield base_url.removesuffix("/v1")


@pytest.fixture
def client(root: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=root, trust_env=False, timeout=10) as client:
        client.post("/_emulator/reset").raise_for_status()
        yield client


class TestOnTheWire:
    """Behind the command: what happens to connections too."""

    @pytest.mark.parametrize(
        ("reset", "jobs"), [("before_request", 0), ("before_answer", 1), ("before_body", 1), ("after_body", 1)]
    )
    def test_a_reset_is_seen_and_its_time_decides_on_the_effect(
        self, client: httpx.Client, root: str, reset: str, jobs: int
    ) -> None:
        client.post("/_emulator/faults", json={"reset": reset, "method": "POST"}).raise_for_status()
        if reset == "after_body":
            assert 200 == client.post("/v1/videos", json=SMALL).status_code
        else:
            with pytest.raises(httpx.ReadError, match="reset"):
                client.post("/v1/videos", json=SMALL)
        # On another connection: this one may be broken, and not know it yet.
        assert jobs == len(httpx.get(f"{root}/v1/videos", trust_env=False).json()["data"])

    @pytest.mark.parametrize("at", [0, 1, 1000])
    def test_a_truncated_file_is_seen(self, client: httpx.Client, at: int) -> None:
        id_ = client.post("/v1/videos", json=SMALL).json()["id"]
        whole = client.get(f"/v1/videos/{id_}/content").content
        fault = {"truncate": at, "operation": "download_video_content"}
        client.post("/_emulator/faults", json=fault).raise_for_status()
        got: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {at} bytes, expected {len(whole)}"):
            collect(client, f"/v1/videos/{id_}/content", got)
        assert whole[:at] == b"".join(got)

    def test_a_file_goes_on_after_a_break(self, client: httpx.Client) -> None:
        id_ = client.post("/v1/videos", json=SMALL).json()["id"]
        whole = client.get(f"/v1/videos/{id_}/content")
        headers = {"Range": "bytes=1000-", "If-Range": whole.headers["etag"]}
        assert whole.content[1000:] == client.get(f"/v1/videos/{id_}/content", headers=headers).content

    @pytest.mark.parametrize("fault", [{}, {"status": 503}])
    def test_headers_take_the_place_of_those_of_the_server(self, client: httpx.Client, fault: dict[str, Any]) -> None:
        date = "Wed, 21 Oct 2015 07:28:00 GMT"
        client.post("/_emulator/faults", json={**fault, "headers": {"Date": date}}).raise_for_status()
        assert [date] == client.get("/v1/videos").headers.get_list("date")
        after = client.get("/v1/videos").headers.get_list("date")
        assert (1, True) == (len(after), after != [date])

    def test_a_wrong_length_is_sent(self, client: httpx.Client) -> None:
        right = len(client.get("/v1/videos").content)
        client.post("/_emulator/faults", json={"content_length": right + 9}).raise_for_status()
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {right} bytes, expected {right + 9}"):
            client.get("/v1/videos")
        client.post("/_emulator/faults", json={"content_length": 9}).raise_for_status()
        assert 9 == len(client.get("/v1/videos").content)

    def test_all_bytes_follow_a_length_that_is_too_small(self, client: httpx.Client, root: str) -> None:
        right = client.get("/v1/videos").content
        client.post("/_emulator/faults", json={"content_length": 9}).raise_for_status()

        async def raw() -> bytes:
            host, port = root.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /v1/videos HTTP/1.1\r\nhost: localhost\r\n\r\n")
            response = await reader.read()
            writer.close()
            return response

        head, _, body = asyncio.run(raw()).partition(b"\r\n\r\n")
        assert right == body
        assert b"content-length: 9\r\n" in head + b"\r\n"

    def test_a_stall_lasts_until_the_client_goes_away(self, client: httpx.Client) -> None:
        client.post("/_emulator/faults", json={"stall": {"at": 5}}).raise_for_status()
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v1/videos", timeout=0.2)
        assert 200 == client.get("/v1/videos").status_code

    @pytest.mark.parametrize(
        "lines",
        [b"GET / FOO\r\n\r\n", b"\x01\x02\x03\x04", b"GET /v1/videos HTTP/1.1\r\nbad header\r\n\r\n", b"\r\n \r\n\r\n"],
    )
    def test_what_is_no_http_gets_the_envelope_too(self, root: str, lines: bytes) -> None:
        async def raw() -> bytes:
            host, port = root.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(lines + b"\r\n\r\n")
            response = await reader.read()
            writer.close()
            return response

        response: Any = asyncio.run(raw())
        assert response.startswith(b"HTTP/1.1 400 ")
        assert b'"code": "invalid_http"' in response
        assert b"x-request-id: " in response
