"""The environment alone decides which proxy a request takes; an unusable one is named only if it is needed."""

from __future__ import annotations

import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import ConfigurationError
from openvideos._drivers.proxies import Proxies


def proxy_of(url: str, **proxies: str) -> str | None:
    environ = {f"{scheme.upper()}_PROXY": value for scheme, value in proxies.items()}
    found = Proxies.of(proxies, environ).for_url(httpx.URL(url))
    return None if found is None else found.value


def test_a_scheme_has_its_own_proxy_and_all_is_for_the_others() -> None:
    both = {"http": "http://a:1", "all": "socks5://b:2"}
    assert "http://a:1" == proxy_of("http://server.test/", **both)
    assert "socks5://b:2" == proxy_of("https://server.test/", **both)
    assert proxy_of("https://server.test/", http="http://a:1") is None
    assert proxy_of("http://server.test/") is None


@pytest.mark.parametrize(
    ("entries", "url", "exempt"),
    [
        ("*", "http://server.test/", True),
        ("server.test", "http://server.test/", True),
        ("SERVER.test", "http://server.test/", True),
        ("server.test", "http://video.server.test/", True),
        (".server.test", "http://video.server.test/", True),
        ("*.server.test", "http://video.server.test/", True),
        ("server.test", "http://notserver.test/", False),
        ("other.test, server.test", "http://server.test/", True),
        ("server.test:8000", "http://server.test:8000/", True),
        ("server.test:8000", "http://server.test/", False),
        ("server.test:443", "https://server.test/", True),
        ("https://server.test", "https://server.test/", True),
        ("https://server.test", "http://server.test/", False),
        ("all://server.test", "http://server.test/", True),
        ("localhost", "http://localhost:8000/", True),
        ("127.0.0.1", "http://127.0.0.1:8000/", True),
        ("127.0.0.0/8", "http://127.1.2.3/", True),
        ("10.0.0.0/8", "http://127.0.0.1/", False),
        ("::1", "http://[::1]:8000/", True),
        ("[::1]", "http://[::1]/", True),
        ("[::1]:8000", "http://[::1]:8000/", True),
        ("[::1]:8000", "http://[::1]:8001/", False),
        ("::1/128", "http://[::1]:8000/", True),
        ("fd00::/8", "http://[fd12::7]/", True),
        ("fd00::/8", "http://10.0.0.1/", False),
        ("::1/128", "http://server.test/", False),
        ("", "http://server.test/", False),
        (",,", "http://server.test/", False),
        ("http://", "http://server.test/", False),
    ],
)
def test_no_proxy_exempts_hosts_addresses_and_networks(entries: str, url: str, exempt: bool) -> None:  # noqa: FBT001 - a table
    assert (None if exempt else "http://p:1") == proxy_of(url, all="http://p:1", no=entries)


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_exempt_in_each_of_its_networks(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network(f"{address}/{min(length, address.max_prefixlen)}", strict=False)
    host = f"[{address}]" if ":" in str(address) else str(address)
    assert proxy_of(f"http://{host}/", all="http://p:1", no=str(network)) is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), st.text(max_size=30))
def test_whatever_a_setting_is_it_is_a_proxy_or_a_configuration_error(value: str, exempt: str) -> None:
    found = Proxies.of({"all": value, "no": exempt}, {"ALL_PROXY": value}).for_url(httpx.URL("http://server.test/"))
    if found is None:
        return
    try:
        assert found.checked().url.host
    except ConfigurationError as error:
        assert str(error).startswith("ALL_PROXY is ")  # noqa: PT017 - most values raise it


@pytest.mark.parametrize("value", ["junk://x", "http://[::bad", "http://x:99999", "http://", "http://:3128"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_a_value_that_is_no_proxy_is_named_with_its_variable(name: str, value: str) -> None:
    found = Proxies.of({"http": value}, {name: value}).for_url(httpx.URL("http://server.test/"))
    assert found is not None
    with pytest.raises(ConfigurationError) as caught:
        found.checked()
    assert str(caught.value).startswith(f"{name} is {value!r}, which is not the URL of a proxy")


@pytest.mark.parametrize("value", ["junk://user:s3cret@x", "http://user:s3cret@[::bad", "user:s3cret@x:99999"])
def test_no_message_has_the_credentials(value: str) -> None:
    found = Proxies.of({"all": value}, {}).for_url(httpx.URL("http://server.test/"))
    assert found is not None
    with pytest.raises(ConfigurationError) as caught:
        found.checked()
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).startswith("The system's proxy setting is ")
    assert "user" not in found.shown
