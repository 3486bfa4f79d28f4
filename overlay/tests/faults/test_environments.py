"""Whatever the environment says of proxies and certificates, a call works or raises a typed error that names it."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    AsyncOpenVideos,
    ConfigurationError,
    OpenVideos,
    OpenVideosError,
)
from openvideos._drivers import routing
from openvideos._drivers.connection_errors import connection_error

from .calls import COMPLETED, ID
from .flavours import BACKENDS, is_blocking
from .server import Behaviour, Exchange, FaultServer, answers_json, message, responses

pytestmark = [pytest.mark.anyio, pytest.mark.product]

VARIABLES = [f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")]
CERTIFICATES = ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"]


@pytest.fixture(params=list(BACKENDS))
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*VARIABLES, *map(str.upper, VARIABLES), *CERTIFICATES]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(*[answers_json(COMPLETED)] * 5) as server:
        yield server


async def retrieve(flavour: str, base_url: str, method: str = "retrieve", **arguments: Any) -> Any:
    """Call a method of a client of its own, with the connections that it makes by itself."""
    sdk: Any = (OpenVideos if is_blocking(flavour) else AsyncOpenVideos)(
        base_url=base_url, api_key="sk-1", max_retries=1
    )
    sdk._session.driver.sleep = (lambda _: None) if is_blocking(flavour) else no_sleep
    try:
        result = getattr(sdk.videos, method)(**(arguments or {"video_id": ID}))
        return await result if inspect.isawaitable(result) else result
    finally:
        closed = sdk.close()
        if closed is not None:
            await closed


async def no_sleep(seconds: float) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PROXY", "junk://x"),
        ("HTTP_PROXY", "http://[::bad"),
        ("http_proxy", "http://x:99999"),
        ("ALL_PROXY", "http://"),
        ("ALL_PROXY", "socks5://127.0.0.1:1"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_named_unless_no_proxy_exempts_the_server(
    name: str, value: str, flavour: str, server: FaultServer, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(routing, "_has_socks", lambda: False)
    environment.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name} is ") as caught:
        await retrieve(flavour, server.base_url)
    assert repr(value) in str(caught.value)
    environment.setenv("NO_PROXY", "::1/128,127.0.0.1/32")
    assert ID == (await retrieve(flavour, server.base_url)).id


@pytest.mark.parametrize("name", CERTIFICATES[:1])
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_certificates_that_cannot_be_read_are_named_if_they_are_needed(
    name: str, content: bytes | None, flavour: str, server: FaultServer, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "certificates.pem"
    if content is not None:
        path.write_bytes(content)
    environment.setenv(name, str(path))
    assert ID == (await retrieve(flavour, server.base_url)).id, "plain HTTP needs none"
    with pytest.raises(ConfigurationError, match=name) as caught:
        await retrieve(flavour, server.base_url.replace("http:", "https:"))
    assert str(path) in str(caught.value)


async def test_a_log_of_keys_that_cannot_be_written_is_named(
    flavour: str, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSLKEYLOGFILE", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"^SSLKEYLOGFILE is {str(tmp_path)!r}"):
        await retrieve(flavour, "https://server.test/v1")


async def test_a_dead_proxy_is_named_and_proves_that_nothing_was_sent(
    flavour: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTP_PROXY", "http://user:s3cret@127.0.0.1:1")
    with pytest.raises(APIConnectionError, match=r"the proxy http://127\.0\.0\.1:1 \(HTTP_PROXY\) fails") as caught:
        await retrieve(flavour, "http://server.test/v1", "create", prompt="p")
    assert caught.value.never_sent
    assert "Is the server running" not in str(caught.value)


async def test_a_refused_connect_proves_that_nothing_was_sent(flavour: str, environment: pytest.MonkeyPatch) -> None:
    refused = responses(407, b"who are you?")
    with FaultServer(refused, refused) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.origin)
        with pytest.raises(APIConnectionError, match=rf"{proxy.origin} \(HTTPS_PROXY\) fails: 407") as caught:
            await retrieve(flavour, "https://server.test/v1", "create", prompt="p")
        assert ["CONNECT", "CONNECT"] == proxy.methods, "a POST that was not sent is sent again"
    assert caught.value.never_sent


async def test_a_proxy_passes_requests_on(flavour: str, environment: pytest.MonkeyPatch) -> None:
    with FaultServer(answers_json(COMPLETED)) as proxy:
        environment.setenv("ALL_PROXY", proxy.origin.removeprefix("http://"))
        assert ID == (await retrieve(flavour, "http://server.test/v1")).id
        assert [f"http://server.test/v1/videos/{ID}"] == [request.target for request in proxy.requests]


async def test_a_server_without_tls_is_no_server_for_https(flavour: str) -> None:
    def speak_plainly(exchange: Exchange) -> None:
        exchange.send(message(400, b"plain HTTP"))
        exchange.close()

    with (
        FaultServer(*[Behaviour(speak_plainly, eager=True)] * 2) as server,
        pytest.raises(APIConnectionError, match="server for https"),
    ):
        await retrieve(flavour, server.base_url.replace("http:", "https:"))


def test_a_certificate_that_does_not_verify_is_named() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = httpx.ConnectError("it failed")
    error.__cause__ = cause
    request = httpx.Request("GET", "https://server.test/v1")
    said = str(connection_error(error, request, ()))
    assert "the certificate of https://server.test does not verify (self-signed certificate)" in said
    assert "SSL_CERT_FILE" in said


URLS = st.sampled_from(
    ["", "junk", "junk://x", "http://[", "http://127.0.0.1:1", "socks5://127.0.0.1:1", "//", "::", "é"]
)
EXEMPT = st.sampled_from(["", "*", "127.0.0.1", "::1/128", "[", "127.0.0.0/99", "a,b", "http://", "é", "127.0.0.1:x"])


@given(
    environ=st.dictionaries(st.sampled_from(["http_proxy", "HTTPS_PROXY", "ALL_PROXY"]), URLS),
    exempt=EXEMPT,
    certificates=st.none() | st.sampled_from(["/nowhere", __file__, "", "é"]),
    scheme=st.sampled_from(["http", "https"]),
)
def test_whatever_the_environment_is_nothing_but_the_sdks_errors_escapes(
    environ: dict[str, str], exempt: str, certificates: str | None, scheme: str
) -> None:
    """The server refuses every connection, so that each call fails, or has failed before."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*VARIABLES, *map(str.upper, VARIABLES), *CERTIFICATES]:
            patch.delenv(name, raising=False)
        for name, value in {**environ, "NO_PROXY": exempt, "SSL_CERT_FILE": certificates}.items():
            if value is not None:
                patch.setenv(name, value)
        base_url = f"{scheme}://127.0.0.1:1/v1"
        with OpenVideos(base_url=base_url, max_retries=0) as client, pytest.raises(OpenVideosError):
            client.videos.retrieve(ID)
