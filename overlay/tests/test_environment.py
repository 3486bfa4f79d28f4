"""A key goes to the server that its own pair of variables names, and to no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import AsyncOpenVideos, ConfigurationError, OpenVideos
from openvideos._environment import endpoint

OURS = {"OPENVIDEOS_BASE_URL": "http://ours.test/v1", "OPENVIDEOS_API_KEY": "ours"}
THEIRS = {"OPENAI_BASE_URL": "http://theirs.test/v1", "OPENAI_API_KEY": "theirs"}
BOTH = OURS | THEIRS


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

    def test_several_webhook_secrets(self) -> None:
        client = OpenVideos(base_url="http://a.test/v1").with_options(webhook_secret=["whsec_YQ==", "whsec_Yg=="])
        assert ("whsec_YQ==", "whsec_Yg==") == client.webhook_secret

    def test_mistakes_are_refused(self) -> None:
        client = OpenVideos(base_url="http://a.test/v1")
        with pytest.raises(ConfigurationError):
            client.with_options(max_retries=-1)
        with pytest.raises(ConfigurationError):
            client.with_options(base_url="nope")
        with pytest.raises(ValueError, match="X-A"):
            client.with_options(default_headers={"X-A": "a\nb"})
