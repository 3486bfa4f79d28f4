"""Tell which settings are in force, and where each comes from. No key is in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.request import getproxies

import httpx
from attrs import frozen

from .. import OpenVideos
from .._drivers.proxies import Proxies
from .._environment import PAIRS


@frozen
class Setting:
    """A setting: its value, without secrets, and where it comes from; None if there is none."""

    value: str | None = None
    source: str | None = None


@frozen
class Settings:
    """What a client sends its requests with."""

    base_url: Setting
    api_key: Setting
    """Its value says that there is a key, never which."""
    proxy: Setting
    certificates: Setting
    unused: tuple[str, ...]
    """Variables of a base URL or a key that are set, and not in force."""


def settings_of(client: OpenVideos, *, is_key_asked: bool) -> Settings:
    """Return the settings of a client that was made in this process."""
    return settings_in_force(
        client.base_url, client.api_key, os.environ, Proxies.of(getproxies(), os.environ), is_key_asked=is_key_asked
    )


def settings_in_force(
    base_url: str, api_key: object, environ: Mapping[str, str], proxies: Proxies, *, is_key_asked: bool
) -> Settings:
    """Return the settings of a client that was made with this environment, and has this base URL and key. Pure."""
    url = httpx.URL(base_url)
    pair = next((pair for pair in PAIRS if environ.get(pair[0], "").rstrip("/") == base_url), None)
    url_source = "--base-url" if pair is None else pair[0]
    # Both variables may hold the same key: that of the base URL's pair is the one that is used.
    variables = [key for _, key in sorted(PAIRS, key=lambda each: each != pair)]
    key_source = (
        "--ask-key" if is_key_asked else next((each for each in variables if environ.get(each) == api_key), None)
    )
    proxy = proxies.for_url(url)
    return Settings(
        base_url=Setting(base_url, url_source),
        api_key=Setting() if api_key is None else Setting("[redacted]", key_source),
        proxy=Setting() if proxy is None else Setting(proxy.shown, proxy.variable),
        certificates=_certificates(environ) if url.scheme == "https" else Setting(),
        unused=tuple(
            each for names in PAIRS for each in names if environ.get(each) and each not in {url_source, key_source}
        ),
    )


def _certificates(environ: Mapping[str, str]) -> Setting:
    name = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environ.get(name)), None)
    return Setting("certifi's", "the package certifi") if name is None else Setting(environ[name], name)
