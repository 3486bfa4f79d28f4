"""A key goes to the server that its own pair of variables names, and to no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import NOT_GIVEN, AsyncOpenVideos, ConfigurationError, NotFoundError, NotGiven, OpenVideos
from openvideos._environment import PAIRS, endpoint

from .faults.clients import reachable_texts

OURS = {"OPENVIDEOS_BASE_URL": "http://ours.test/v1", "OPENVIDEOS_API_KEY": "ours"}
THEIRS = {"OPENAI_BASE_URL": "http://theirs.test/v1", "OPENAI_API_KEY": "theirs"}
BOTH = OURS | THEIRS

URLS = [
    "http://a.test/v1",
    "http://a.test:80/v2/",
    "https://a.test/v1",
    "https://a.test:443",
    "http://a.test:8080/v1",
    "http://b.test/v1",
    "http://a.test.b.test/v1",
]
NAMES = ["X-Api-Key", "Authorization", "token", "sig", "X-Trace"]


def origin(url: str) -> tuple[str, str, int]:
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port or {"http": 80, "https": 443}[parts.scheme]


def without(variables: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in names}


@pytest.mark.parametrize(
    ("environ", "url", "key"),
    [
        (OURS, "http://ours.test/v1", "ours"),
        (THEIRS, "http://theirs.test/v1", "theirs"),
        (BOTH, "http://ours.test/v1", "ours"),
        # A pair that lacks its key has none: the other vendor's stays where it belongs.
        (without(BOTH, "OPENVIDEOS_API_KEY"), "http://ours.test/v1", None),
        (without(BOTH, "OPENVIDEOS_BASE_URL"), "http://theirs.test/v1", "theirs"),
        (without(BOTH, "OPENVIDEOS_BASE_URL", "OPENAI_API_KEY"), "http://theirs.test/v1", None),
        (BOTH | {"OPENVIDEOS_BASE_URL": ""}, "http://theirs.test/v1", "theirs"),
        (OURS | {"OPENVIDEOS_API_KEY": ""}, "http://ours.test/v1", None),
    ],
)
def test_the_first_pair_that_names_a_server_counts(environ: dict[str, str], url: str, key: str | None) -> None:
    found = endpoint(None, None, environ)
    assert (url, key) == (found.base_url, found.api_key)


@pytest.mark.parametrize(
    ("environ", "url", "key"),
    [
        ({"OPENVIDEOS_API_KEY": "ours"}, "http://third.test/v1", "ours"),
        ({"OPENAI_API_KEY": "theirs"}, "http://third.test/v1", None),
        (OURS, "http://third.test/v1", None),
        (OURS, "http://ours.test/v2", "ours"),
        (OURS, "http://ours.test:80/v1", "ours"),
        (OURS, "https://ours.test/v1", None),
        (OURS, "http://ours.test:8080/v1", None),
        (BOTH, "http://theirs.test/v1", "theirs"),
        ({"OPENAI_BASE_URL": "http://[", "OPENAI_API_KEY": "theirs"}, "http://third.test/v1", None),
        ({"OPENAI_BASE_URL": "http://s:x", "OPENAI_API_KEY": "theirs"}, "http://third.test/v1", None),
    ],
)
def test_a_server_that_is_passed_gets_its_own_key_alone(environ: dict[str, str], url: str, key: str | None) -> None:
    assert key == endpoint(url, None, environ).api_key


def test_what_is_passed_counts_before_the_environment() -> None:
    found = endpoint("http://third.test/v1/", "mine", BOTH)
    assert ("http://third.test/v1", "mine") == (found.base_url, found.api_key)
    assert "mine" == endpoint(None, "mine", OURS).api_key


def test_keys_alone_name_no_server() -> None:
    with pytest.raises(ConfigurationError, match="OPENVIDEOS_BASE_URL"):
        endpoint(None, "mine", without(BOTH, "OPENVIDEOS_BASE_URL", "OPENAI_BASE_URL"))


@given(
    st.dictionaries(
        st.sampled_from(sorted(BOTH)), st.sampled_from(["", "http://ours.test/v1", "http://theirs.test", "k"])
    ),
    st.sampled_from([None, "http://ours.test/v1", "http://third.test"]),
)
def test_a_vendors_key_never_reaches_another_server(environ: dict[str, str], url: str | None) -> None:
    """OPENAI_API_KEY is sent only to the origin that OPENAI_BASE_URL names."""
    environ = {**environ, "OPENAI_API_KEY": "sk-vendor"}
    try:
        found = endpoint(url, None, environ)
    except ConfigurationError:
        return
    if found.api_key == "sk-vendor" != environ.get("OPENVIDEOS_API_KEY"):
        vendor = endpoint(environ["OPENAI_BASE_URL"], "", {}).base_url
        assert vendor.split("/")[2] == found.base_url.split("/")[2]


def test_the_clients_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BOTH.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENVIDEOS_WEBHOOK_SECRET", "whsec_c2VjcmV0")
    for kind in (OpenVideos, AsyncOpenVideos):
        client = kind()
        assert ("http://ours.test/v1", "ours", "whsec_c2VjcmV0") == (
            client.base_url,
            client.api_key,
            client.webhook_secret,
        )


class TestWithOptions:
    """A client that is derived keeps what is not changed, and a key does not move to another server."""

    @pytest.mark.parametrize("kind", [OpenVideos, AsyncOpenVideos])
    def test_changes_what_is_given(self, kind: type[OpenVideos]) -> None:
        client = kind(base_url="http://a.test/v1", api_key="k", default_headers={"X-A": "1"}, default_query={"a": 1})
        other = client.with_options(timeout=3, max_retries=9, default_headers={"X-B": "2"}, default_query={"b": 2})
        assert (client.base_url, "k", 3, 9) == (other.base_url, other.api_key, other.timeout, other.max_retries)
        settings = other._session.settings
        assert {"X-A": "1", "X-B": "2"}.items() <= settings.headers.items()
        assert {"a": 1, "b": 2} == settings.query
        assert other._session.driver.transport is client._session.driver.transport
        assert ("k", 2) == (client.api_key, client.max_retries)

    def test_another_server_does_not_get_the_key(self) -> None:
        client = OpenVideos(base_url="http://a.test/v1", api_key="k")
        assert client.with_options(base_url="http://b.test/v1").api_key is None
        assert "l" == client.with_options(base_url="http://b.test/v1", api_key="l").api_key
        assert "l" == client.with_options(api_key="l").api_key
        assert client.with_options(timeout=None).timeout is None

    @given(
        st.sampled_from(URLS),
        st.sampled_from(URLS),
        st.dictionaries(st.sampled_from(NAMES), st.just("secret-of-a")),
        st.dictionaries(st.sampled_from(NAMES), st.just("secret-of-b")),
        st.sampled_from([NOT_GIVEN, None, "key-of-b"]),
    )
    def test_secrets_stay_at_their_origin(
        self, start: str, to: str, own: dict[str, str], given: dict[str, str], key: str | None | NotGiven
    ) -> None:
        also = {"X-Also": "the key-of-a"}
        client = OpenVideos(base_url=start, api_key="key-of-a", default_headers=own | also, default_query=own)
        other = client.with_options(base_url=to, api_key=key, default_headers=given, default_query=given)
        same = origin(start) == origin(to)
        kept = {name: value for name, value in own.items() if same or name == "X-Trace"} | given
        assert ("key-of-a" if same else None) == other.api_key if key is NOT_GIVEN else key == other.api_key
        settings = other._session.settings
        assert kept == settings.query
        expected = kept | also if same else kept
        assert expected == {name: value for name, value in settings.headers.items() if name != "User-Agent"}
        assert "key-of-a" == client.api_key

    def test_another_server_gets_the_key_that_the_environment_has_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in THEIRS.items():
            monkeypatch.setenv(name, value)
        client = OpenVideos(base_url="http://a.test/v1", api_key="k")
        assert "theirs" == client.with_options(base_url="http://theirs.test/v2").api_key
        assert client.with_options(base_url="http://theirs.test/v2", api_key=None).api_key is None
        monkeypatch.setenv("OPENAI_API_KEY", "no key")
        assert "l" == client.with_options(base_url="http://theirs.test/v2", api_key="l").api_key

    def test_the_key_can_be_removed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in OURS.items():
            monkeypatch.setenv(name, value)
        for kind in (OpenVideos, AsyncOpenVideos):
            assert "ours" == kind().api_key
            assert kind().with_options(api_key=None).api_key is None

    def test_several_webhook_secrets(self) -> None:
        client = OpenVideos(base_url="http://a.test/v1").with_options(webhook_secret=["whsec_YQ==", "whsec_Yg=="])
        assert ("whsec_YQ==", "whsec_Yg==") == client.webhook_secret

    def test_mistakes_are_refused(self) -> None:
        client = OpenVideos(base_url="http://a.test/v1")
        for retries in (-1, 1.5, True, "2", None):
            with pytest.raises(ConfigurationError, match="max_retries"):
                client.with_options(max_retries=retries)  # type: ignore[arg-type]
        for name in ("default_headers", "default_query"):
            wrong: dict[str, Any] = {name: [("a", "b")]}
            with pytest.raises(ConfigurationError, match=f"{name} is of the type list"):
                client.with_options(**wrong)
            with pytest.raises(ConfigurationError, match=f"{name} is of the type list"):
                OpenVideos(base_url="http://a.test/v1", **wrong)
            for key in (1, None, b"a", ("a",)):
                wrong = {name: {"a": "x", key: "x"}}
                with pytest.raises(ConfigurationError, match=f"^{name} has a key of the type {type(key).__name__}; "):
                    client.with_options(**wrong)
                with pytest.raises(ConfigurationError, match=f"^{name} has a key of the type {type(key).__name__}; "):
                    OpenVideos(base_url="http://a.test/v1", **wrong)
        with pytest.raises(ConfigurationError):
            client.with_options(base_url="nope")
        with pytest.raises(ValueError, match="X-A"):
            client.with_options(default_headers={"X-A": "a\nb"})


@pytest.mark.parametrize("pair", PAIRS)
def test_a_key_that_cannot_be_sent_is_named_by_its_variable(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pair[0], "http://h/v1")
    monkeypatch.setenv(pair[1], "sesame\n")
    with pytest.raises(ConfigurationError, match=f"^{pair[1]} has characters that a header cannot contain") as caught:
        OpenVideos()
    assert "sesame" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"^The API key has characters that a header cannot contain"):
        OpenVideos(api_key="a b")


class TestBaseUrl:
    """What would not name the API's address, or would tell a password, is refused before anything is sent."""

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://h/v1?", "query or a fragment"),
            ("http://h/v1?a=1", "query or a fragment"),
            ("http://h/v1#", "query or a fragment"),
            ("http://h/v1#a", "query or a fragment"),
            ("http://h/v1 ", "blank"),
            (" http://h/v1", "blank"),
            ("http://h/v1\u00a0", "blank"),
            ("http://h/v1\n", "cannot be read"),
            ("http://me@h/v1", "user name"),
            ("http://me:sesame@h/v1", "user name"),
            ("http://:sesame@h/v1", "user name"),
            ("http://@h/v1", "user name"),
            ("http://:@h/v1", "user name"),
            ("http://me:sesame/1@h/v1", "cannot be read"),
            ("http://me:sesame?@h/v1", "cannot be read"),
            ("http://h:port/v1", "Invalid port: 'port'"),
            ("ftp://h/v1", "not an http or https URL"),
            ("http:///v1", "not an http or https URL"),
            ("http://h:65536/v1", "the highest is 65535"),
        ],
    )
    def test_is_refused(self, url: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENVIDEOS_BASE_URL", url)
        attempts: list[Callable[[], object]] = [
            lambda: OpenVideos(base_url=url),
            AsyncOpenVideos,
            lambda: OpenVideos(base_url="http://h/v1").with_options(base_url=url),
        ]
        for attempt in attempts:
            with pytest.raises(ConfigurationError, match=reason) as caught:
                attempt()
            assert [] == [text for text in reachable_texts(caught.value) if "sesame" in text]

    @given(
        st.sampled_from(["", "/", "/v1", "/v1/", "/a@b/v1", "/a%3Fb"]), st.sampled_from(["h", "127.0.0.1:1", "[::1]"])
    )
    def test_is_the_beginning_of_every_address(self, path: str, host: str) -> None:
        asked: list[httpx.URL] = []

        def handler(request: httpx.Request) -> httpx.Response:
            asked.append(request.url)
            return httpx.Response(404)

        http = httpx.Client(transport=httpx.MockTransport(handler))
        client = OpenVideos(base_url=httpx.URL(f"http://{host}{path}"), http_client=http)
        with pytest.raises(NotFoundError):
            client.videos.retrieve("video_1")
        assert [f"http://{host}{path.rstrip('/')}/videos/video_1"] == [str(url) for url in asked]

    @pytest.mark.parametrize("key", [b"bytes", 5, ["a"], "a b", "a\n", "caf\xe9"])
    def test_a_key_that_is_none_is_refused(self, key: Any) -> None:
        client = OpenVideos(base_url="http://h/v1", api_key="k")
        attempts: list[Callable[[], object]] = [
            lambda: OpenVideos(base_url="http://h/v1", api_key=key),
            lambda: client.with_options(api_key=key),
            lambda: setattr(client, "api_key", key),
        ]
        for attempt in attempts:
            with pytest.raises(ConfigurationError, match="API key") as caught:
                attempt()
            assert repr(key) not in str(caught.value)
        assert "k" == client.api_key
