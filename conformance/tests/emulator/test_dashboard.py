"""The dashboard is a page that brings all that it needs, and reads jobs without moving them.

What a browser makes of it is tested in `conformance/dashboard/tests`, by `nox -s dashboard`.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server

PAGE = "http://emulator/"
JOBS = f"{CONTROL}/jobs"
EVENTS = f"{CONTROL}/events"
ASSETS = {file.name: file.read_text("utf-8") for file in files("openvideos_emulator").joinpath("dashboard").iterdir()}
SCRIPTS = sorted(name for name in ASSETS if name.endswith(".js"))
ADDRESSES = [PAGE, *(f"{PAGE}_emulator/dashboard/{name}" for name in sorted(ASSETS) if name != "page.html")]


class TestFiles:
    def test_the_page_names_only_files_that_are_there(self, serve: type[Server]) -> None:
        with serve() as server:
            page = server.get(PAGE)
            assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
            named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
            assert {"_emulator/dashboard/style.css", "_emulator/dashboard/main.js"} < set(named)
            for path in named:
                assert 200 == server.get(f"{PAGE}{path}").status_code
        for name in SCRIPTS:
            imported = re.findall(r'from "\./([^"]+)"', ASSETS[name])
            assert set(imported) <= set(SCRIPTS)

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_each_file_says_what_it_is_and_what_it_may(self, serve: type[Server], address: str) -> None:
        types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
        with serve() as server:
            headers = server.get(address).headers
        assert headers["content-type"] == types.get(address.rpartition(".")[2], "text/html; charset=utf-8")
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert ("'none'", "'none'", "'none'", "'none'") == tuple(
            policy[name] for name in ("default-src", "base-uri", "form-action", "frame-ancestors")
        )
        assert ("'self'", "'self'", "'self'") == tuple(
            policy[name] for name in ("script-src", "style-src", "connect-src")
        )
        assert "'script'" == policy["require-trusted-types-for"]
        assert not re.search(r"unsafe|http|\*", headers["content-security-policy"])
        assert ("nosniff", "no-referrer") == (headers["x-content-type-options"], headers["referrer-policy"])

    def test_nothing_comes_from_elsewhere(self) -> None:
        namespace = 'xmlns="http://www.w3.org/2000/svg"'
        for name, text in ASSETS.items():
            assert "//" not in re.sub(r"(?m)(^|\s)//( .*)?$", "", text.replace(namespace, "")), name
        assert not re.search(r"<style|style=|<script>|\son[a-z]+=", ASSETS["page.html"])

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_no_script_makes_markup_of_a_string(self, name: str) -> None:
        markup = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|setAttribute\(.on"
        assert not re.search(markup, ASSETS[name])

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_no_script_keeps_anything(self, name: str) -> None:
        assert not re.search(r"localStorage|sessionStorage|indexedDB|cookie|history\.", ASSETS[name])

    @pytest.mark.parametrize("name", sorted(ASSETS))
    def test_each_file_is_short(self, name: str) -> None:
        assert ASSETS[name].count("\n") < 400

    def test_a_known_file_is_not_sent_again(self, serve: type[Server]) -> None:
        with serve() as server:
            for address in ADDRESSES:
                first = server.get(address)
                for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
                    again = server.get(address, headers={"If-None-Match": known})
                    assert (304, b"") == (again.status_code, again.content)
                    assert first.headers["etag"] == again.headers["etag"]
                assert first.content == server.get(address, headers={"If-None-Match": '"other"'}).content

    def test_it_can_be_read_and_nothing_else(self, serve: type[Server]) -> None:
        with serve() as server:
            assert "method_not_allowed" == server.refused(405, "POST", PAGE)["code"]
            assert "GET, HEAD, OPTIONS" == server.request("OPTIONS", PAGE).headers["allow"]
            head = server.request("HEAD", PAGE)
            assert str(len(server.get(PAGE).content)) == head.headers["content-length"]
            for path in ("_emulator/dashboard/", "_emulator/dashboard/page.html", "_emulator/dashboard/..%2f_app.py"):
                assert "unknown_path" == server.refused(404, "GET", f"{PAGE}{path}")["code"]

    def test_the_page_needs_no_key_and_says_that_jobs_do(self, serve: type[Server]) -> None:
        with serve() as server:
            assert 'data-key="none"' in server.get(PAGE).text
        with serve(api_key="the-only-key") as server:
            for address in ADDRESSES:
                assert 200 == server.get(address).status_code
            page = server.get(PAGE).text
            assert 'data-key="needed"' in page
            assert "the-only-key" not in page
            for path in ("", "/video_1", "/video_1/content"):
                assert "invalid_api_key" == server.refused(401, "GET", JOBS + path)["code"]
            assert 200 == server.get(JOBS, headers={"Authorization": "Bearer the-only-key"}).status_code


class TestJobs:
    def test_they_are_listed_newest_first_and_counted_by_status(self, serve: type[Server]) -> None:
        with serve(pace="seconds:10", profile="sora") as server:
            made = [server.create(prompt, size="720x1280", seconds="4")["id"] for prompt in ("One", "[fail] two")]
            server.clock.advance(10)
            made.append(server.create("Three", size="720x1280", seconds="4")["id"])
            listed = server.ok("GET", JOBS)
            assert made[::-1] == [job["id"] for job in listed["jobs"]]
            assert {"queued": 1, "in_progress": 0, "completed": 1, "failed": 1} == listed["counts"]
            assert (server.clock.now, "seconds:10", "sora", False) == tuple(
                listed[name] for name in ("now", "pace", "profile", "has_more")
            )
            assert listed["jobs"][1] == {**server.ok("GET", f"{JOBS}/{made[1]}"), "expired": False}
            assert server.ok("GET", f"videos/{made[1]}").items() <= listed["jobs"][1].items()

    def test_a_status_and_a_limit_choose_among_them(self, serve: type[Server]) -> None:
        with serve() as server:
            made = [server.create(prompt)["id"] for prompt in ("A cat", "[fail]", "A dog", "[fail] too")]

            def chosen(query: str) -> tuple[list[str], bool, int]:
                listed = server.ok("GET", f"{JOBS}?{query}")
                return [job["id"] for job in listed["jobs"]], listed["has_more"], sum(listed["counts"].values())

            assert ([made[3], made[1]], False, 4) == chosen("status=failed")
            assert ([made[2]], True, 4) == chosen("status=completed&limit=1")
            assert ([made[2], made[0]], False, 4) == chosen("status=completed&limit=2")
            assert ([made[2], made[1]], True, 4) == chosen("limit=2&skip=1")
            assert ([made[0]], False, 4) == chosen("limit=2&skip=3")
            assert ([], False, 4) == chosen("skip=4")
            assert ([], False, 4) == chosen("status=queued")
            assert "limit" == server.refused(400, "GET", f"{JOBS}?limit=0")["param"]
            assert "skip" == server.refused(400, "GET", f"{JOBS}?skip=-1")["param"]
            assert "status" == server.refused(400, "GET", f"{JOBS}?status=done")["param"]

    def test_a_long_prompt_is_cut_in_the_list_alone(self, serve: type[Server]) -> None:
        with serve() as server:
            prompts = ["é" * 300, "é" * 301]
            made = [server.create(prompt)["id"] for prompt in prompts]
            assert [f"{'é' * 299}…", prompts[0]] == [job["prompt"] for job in server.ok("GET", JOBS)["jobs"]]
            assert prompts == [server.ok("GET", f"{JOBS}/{id_}")["prompt"] for id_ in made]

    def test_a_hostile_prompt_comes_as_it_is(self, serve: type[Server]) -> None:
        hostile = "<img src=x onerror=alert(1)>\u202e\r\n</script>\N{PILE OF POO}"
        with serve() as server:
            server.create(hostile)
            response = server.get(JOBS)
            assert "application/json" == response.headers["content-type"]
            assert hostile == response.json()["jobs"][0]["prompt"]

    @pytest.mark.parametrize("pace", ["polls:2", "manual"])
    def test_looking_at_them_moves_none(self, serve: type[Server], pace: str) -> None:
        with serve(pace=pace) as server:
            id_, done = server.create()["id"], server.create("[slow:1] done")["id"]
            server.ok("POST", f"{CONTROL}/advance", json={"jobs": [done]})
            for _ in range(5):
                server.get(PAGE)
                server.ok("GET", JOBS)
                server.ok("GET", f"{JOBS}/{id_}")
                server.refused(409, "GET", f"{JOBS}/{id_}/content?variant=thumbnail")
                for variant in ("video", "thumbnail"):
                    assert 200 == server.get(f"{JOBS}/{done}/content?variant={variant}").status_code
            job = server.ok("GET", JOBS)["jobs"][1]
            assert (id_, 0, "queued") == (job["id"], job["polls"], job["status"])

    def test_nothing_is_sent_while_nothing_changes(self, serve: type[Server]) -> None:
        with serve(pace="seconds:10") as server:
            id_ = server.create()["id"]
            server.clock.advance(20)
            etags = [server.get(JOBS).headers["etag"]]

            def again(known: str) -> int:
                response = server.get(JOBS, headers={"If-None-Match": known})
                etags.append(response.headers["etag"])
                return response.status_code

            server.clock.advance(5)
            assert 304 == again(etags[0])
            server.clock.advance(86_400)  # its files expire
            assert 200 == again(etags[0])
            assert server.ok("GET", JOBS)["jobs"][0]["expired"] is True
            assert 304 == again(etags[-1])
            server.ok("DELETE", f"videos/{id_}")
            assert 200 == again(etags[-1])
            assert 4 == len({*etags, "another"})

    def test_the_time_that_was_advanced_is_told(self, serve: type[Server], tmp_path: Path) -> None:
        with serve(database=tmp_path / "jobs.db") as server:
            assert 0 == server.ok("GET", JOBS)["ahead"]
            etag = server.get(JOBS).headers["etag"]
            for seconds in (10, 2.5):
                server.ok("POST", f"{CONTROL}/advance", json={"seconds": seconds})
            listed = server.ok("GET", JOBS, headers={"If-None-Match": etag})
            assert (12.5, server.clock.now + 12.5) == (listed["ahead"], listed["now"])
        with serve(database=tmp_path / "jobs.db") as server:
            assert 12.5 == server.ok("GET", JOBS)["ahead"]
            server.ok("POST", f"{CONTROL}/reset")
            assert 0 == server.ok("GET", JOBS)["ahead"]

    def test_files_are_those_of_the_api_without_its_faults(self, serve: type[Server]) -> None:
        with serve() as server:
            id_ = server.create()["id"]
            fault: dict[str, Any] = {"times": 100, "status": 503}
            expected = [server.get(f"videos/{id_}/content?variant={name}").content for name in ("video", "thumbnail")]
            server.ok("POST", f"{CONTROL}/faults", json=fault)
            here = f"{JOBS}/{id_}/content"
            assert expected == [server.get(f"{here}?variant={name}").content for name in ("video", "thumbnail")]
            part = server.get(here, headers={"Range": "bytes=4-7"})
            assert (206, b"ftyp") == (part.status_code, part.content)
            assert 100 == server.ok("GET", f"{CONTROL}/faults")["faults"][0]["left"]

    def test_a_job_that_is_not_there_is_not_found(self, serve: type[Server]) -> None:
        with serve() as server:
            for path in ("video_1", "video_1/content"):
                assert "No video has the id video_1." == server.refused(404, "GET", f"{JOBS}/{path}")["message"]


class TestEvents:
    def test_the_newest_come_first_and_in_pages(self, serve: type[Server]) -> None:
        with serve(pace="manual") as server:
            server.app._engine.write_events(is_wanted=True)  # nobody delivers them
            made = [server.create(f"Number {number}")["id"] for number in range(4)]
            for id_ in made:
                server.ok("POST", f"{CONTROL}/advance", json={"jobs": [id_]})
                server.clock.advance(1)

            def listed(query: str) -> tuple[list[str], bool]:
                content = server.ok("GET", f"{EVENTS}?{query}")
                assert content["url"] is None
                return [event["video_id"] for event in content["events"]], content["has_more"]

            assert (made[::-1], False) == listed("")
            assert ([made[2], made[1]], True) == listed("limit=2&skip=1")
            assert ([], False) == listed("skip=4")
            assert "limit" == server.refused(400, "GET", f"{EVENTS}?limit=1001")["param"]
            newest = server.ok("GET", EVENTS)["events"][0]
            assert newest == server.ok("GET", f"{CONTROL}/state")["events"][-1]
            assert ("pending", 0, None) == tuple(newest[name] for name in ("delivery", "attempts", "attempted_at"))

    def test_what_is_known_is_not_sent_again(self, serve: type[Server]) -> None:
        with serve() as server:
            server.app._engine.write_events(is_wanted=True)
            known = {"If-None-Match": server.get(EVENTS).headers["etag"]}
            server.clock.advance(5)
            assert (304, b"") == ((same := server.get(EVENTS, headers=known)).status_code, same.content)
            id_ = server.create()["id"]
            server.ok("GET", f"videos/{id_}")
            assert [id_] == [event["video_id"] for event in server.ok("GET", EVENTS, headers=known)["events"]]
