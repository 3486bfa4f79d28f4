"""The doctor tells what is in force, and how a server differs from the contract, whatever the server sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvideos._cli.exit_codes import ExitCode
from openvideos._doctor.contract import differences, revision
from openvideos._doctor.settings import Setting, settings_in_force
from openvideos._drivers.proxies import Proxies

from .conftest import Answer, Run

URL, OTHER = "http://one.test/v1", "https://two.test/v1"
VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued"}
LIST = {"object": "list", "data": [VIDEO], "first_id": "video_1", "last_id": "video_1", "has_more": False}
NO_PROXIES = Proxies.of({}, {})


class TestSettings:
    @pytest.mark.parametrize(
        ("environ", "base_url", "key", "expected"),
        [
            (
                {"OPENVIDEOS_BASE_URL": URL + "/", "OPENVIDEOS_API_KEY": "k"},
                URL,
                "k",
                ("OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY", ()),
            ),
            (
                {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "k", "OPENVIDEOS_API_KEY": "k"},
                URL,
                "k",
                ("OPENAI_BASE_URL", "OPENAI_API_KEY", ("OPENVIDEOS_API_KEY",)),
            ),
            ({"OPENVIDEOS_API_KEY": "k"}, URL, "k", ("--base-url", "OPENVIDEOS_API_KEY", ())),
            ({"OPENAI_API_KEY": "k"}, URL, None, ("--base-url", None, ("OPENAI_API_KEY",))),
        ],
    )
    def test_have_a_source(
        self, environ: dict[str, str], base_url: str, key: str | None, expected: tuple[str, str | None, tuple[str, ...]]
    ) -> None:
        found = settings_in_force(base_url, key, environ, NO_PROXIES, is_key_asked=False)
        assert expected == (found.base_url.source, found.api_key.source, found.unused)
        assert found.api_key.value in {None, "[redacted]"}

    def test_of_a_key_that_was_asked_for(self) -> None:
        found = settings_in_force(URL, "k", {"OPENVIDEOS_API_KEY": "other"}, NO_PROXIES, is_key_asked=True)
        assert Setting("[redacted]", "--ask-key") == found.api_key

    def test_of_a_proxy_have_no_password(self) -> None:
        environ = {"https_proxy": "http://u:secret@proxy.test:1"}
        proxies = Proxies.of({"https": environ["https_proxy"]}, environ)
        found = settings_in_force(OTHER, None, environ, proxies, is_key_asked=False)
        assert Setting("http://proxy.test:1", "https_proxy") == found.proxy
        assert Setting() == settings_in_force(URL, None, environ, proxies, is_key_asked=False).proxy

    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            ({}, Setting("certifi's", "the package certifi")),
            ({"SSL_CERT_FILE": "a.pem", "SSL_CERT_DIR": "b"}, Setting("a.pem", "SSL_CERT_FILE")),
            ({"SSL_CERT_DIR": "b"}, Setting("b", "SSL_CERT_DIR")),
        ],
    )
    def test_of_certificates(self, environ: dict[str, str], expected: Setting) -> None:
        assert expected == settings_in_force(OTHER, None, environ, NO_PROXIES, is_key_asked=False).certificates
        assert Setting() == settings_in_force(URL, None, environ, NO_PROXIES, is_key_asked=False).certificates


class TestContract:
    def test_has_a_revision(self) -> None:
        assert "2026-12-01" <= revision()

    @pytest.mark.parametrize(
        ("path", "status", "body", "expected"),
        [
            ("/videos", 200, LIST, []),
            ("/videos", 200, LIST | {"has_more": "no"}, ["has_more: 'no' is not of type 'boolean'"]),
            ("/videos", 418, {"error": {"message": "m", "type": "t", "param": None, "code": None}}, []),
            ("/videos", 302, {}, ["the contract has no status 302 here"]),
            ("/videos/{video_id}", 404, {"detail": "Not Found"}, ["$: 'error' is a required property"]),
            ("/videos/{video_id}", 404, [], ["$: [] is not of type 'object'"]),
        ],
    )
    def test_is_compared(self, path: str, status: int, body: Any, expected: list[str]) -> None:
        assert expected == differences(path, status, body)

    def test_tells_a_few_differences(self) -> None:
        found = differences("/videos", 200, LIST | {"data": [{"id": "x" * 200}] * 3 + ["y" * 200]})
        assert 6 == len(found)
        assert "and more" == found[-1]
        assert "data[3]: it breaks 'type' of the schema" in differences(
            "/videos", 200, LIST | {"data": [*["y" * 200] * 4]}
        )


class TestServer:
    def test_differs(self, run: Run, serve: Callable[[Answer], None]) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            match request.url.path.removeprefix("/v1/videos"):
                case "/models":
                    return httpx.Response(404, text="404 page not found")
                case "":
                    return httpx.Response(200, json={"data": [{"id": "\x1b[31m", "status": "queued"}]})
                case _:
                    return httpx.Response(400, text="<html>")

        serve(answer)
        ran = run("doctor")
        assert ExitCode.DONE == ran.code
        assert "\x1b" not in ran.out
        assert "server        GET /videos/models: 404, not offered" in ran.lines
        assert "server        GET /videos: 200, differs from the contract:" in ran.lines
        assert "              - $: 'has_more' is a required property" in ran.lines
        assert ["              - the body is not JSON"] == ran.lines[-1:]

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(404, text="<h1>Not Found</h1>"),
            httpx.Response(404, json={"detail": "Not Found"}),
            httpx.Response(200, text="<html>Welcome</html>"),
        ],
    )
    def test_is_no_api(self, run: Run, serve: Callable[[Answer], None], answer: httpx.Response) -> None:
        serve(lambda _: httpx.Response(answer.status_code, headers=answer.headers, content=answer.content))
        for words in (["doctor"], ["doctor", "--json"]):
            ran = run(*words)
            assert ExitCode.SERVER_FAILED == ran.code
            assert "check the base URL, which usually ends with /v1" in ran.err
        assert 3 == len(ran.json["requests"])

    @pytest.mark.parametrize(
        ("unknown", "listed"),
        [
            (httpx.Response(404, json={"error": {"message": "m", "type": "t", "param": None, "code": None}}), None),
            (httpx.Response(404, json={"detail": "Not Found"}), httpx.Response(200, json={"data": []})),
            (httpx.Response(502, text="<h1>Bad Gateway</h1>"), None),
        ],
    )
    def test_is_an_api_that_differs_or_has_less(
        self, run: Run, serve: Callable[[Answer], None], unknown: httpx.Response, listed: httpx.Response | None
    ) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            found = listed if listed is not None and request.url.path.endswith("/videos") else unknown
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)

        serve(answer)
        assert ExitCode.DONE == run("doctor").code

    def test_says_what_it_offers_as_far_as_it_says_it(self, run: Run, serve: Callable[[Answer], None]) -> None:
        models = [{"id": "m", "is_default": True, "sizes": ["64x48"], "seconds": ["1", "2"]}, {"id": "n"}]
        serve(lambda _: httpx.Response(200, json={"data": models}))
        lines = [line for line in run("doctor").lines if line.startswith(("model", "offers"))]
        assert ["model         m (the default); 64x48; 1, 2 s", "model         n"] == lines

    def test_is_not_there(self, run: Run, serve: Callable[[Answer], None]) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody")

        serve(answer)
        ran = run("doctor", "--json")
        assert ExitCode.UNREACHABLE == ran.code
        assert ("http://server.test/v1", []) == (ran.json["settings"]["base_url"]["value"], ran.json["requests"])

    @given(
        status=st.sampled_from([200, 201, 204, 301, 400, 404, 429, 500, 501]),
        body=st.recursive(
            st.none() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["data", "id", "status", "contract", "sizes", "seconds"]), inner)
            ),
        ),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    def test_may_send_anything(self, run: Run, serve: Callable[[Answer], None], status: int, body: Any) -> None:
        serve(lambda _: httpx.Response(status, content=json.dumps(body).encode()))
        for words in (["doctor"], ["doctor", "--json"]):
            ran = run(*words)
            assert ran.code in {ExitCode.DONE, ExitCode.SERVER_FAILED, ExitCode.REFUSED}
