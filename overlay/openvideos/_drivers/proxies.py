"""Decide which proxy a request takes, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. Pure: they are arguments.

A setting is checked when a request needs it, so that an unusable proxy does not affect a host that NO_PROXY exempts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final, Self

import httpx
from attrs import frozen

from .._environment import DEFAULT_PORTS, has_valid_port
from .._errors import ConfigurationError

_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")


@frozen
class ProxySetting:
    """A proxy, as a variable of the environment names it."""

    variable: str
    """The variable's name, or what to call a setting of the operating system."""
    value: str
    """The proxy's URL, possibly without a scheme, as the variable has it."""

    @property
    def shown(self) -> str:
        """The value without the user name and the password that it may contain."""
        scheme, slashes, rest = self.value.partition("://")
        return f"{scheme}{slashes}{rest.rpartition('@')[2]}" if slashes else self.value.rpartition("@")[2]

    def checked(self) -> httpx.Proxy:
        """Return the proxy in httpx's form.

        Raises:
            ConfigurationError: The value is not the URL of a proxy.
        """
        try:
            proxy = httpx.Proxy(self.value if "://" in self.value else f"http://{self.value}")
        except (httpx.InvalidURL, ValueError):
            proxy = None
        if proxy is None or not proxy.url.host or not has_valid_port(proxy.url):
            raise ConfigurationError(
                f"{self.variable} is {self.shown!r}, which is not the URL of a proxy; it looks like http://proxy:3128 "
                "or socks5://proxy:1080. Correct it, unset it, or name the server's host in NO_PROXY."
            )
        return proxy


@frozen
class Proxies:
    """The proxies of an environment."""

    settings: Mapping[str, ProxySetting]
    """The proxy of the scheme http or https, and "all" for either."""
    exempt: tuple[str, ...]
    """The entries of NO_PROXY."""

    @classmethod
    def of(cls, proxies: Mapping[str, str], environ: Mapping[str, str]) -> Self:
        """Read the result of `urllib.request.getproxies`; `environ` serves to find the names of the variables."""

        def variable(scheme: str) -> str:
            names = [name for name in environ if name.lower() == f"{scheme}_proxy" and environ[name]]
            return next((name for name in names if environ[name] == proxies[scheme]), "The system's proxy setting")

        return cls(
            settings={
                scheme: ProxySetting(variable(scheme), proxies[scheme])
                for scheme in ("http", "https", "all")
                if proxies.get(scheme)
            },
            exempt=tuple(entry.strip() for entry in proxies.get("no", "").split(",") if entry.strip()),
        )

    def for_url(self, url: httpx.URL) -> ProxySetting | None:
        """Return the proxy for a request; None if it is sent directly."""
        setting = self.settings.get(url.scheme) or self.settings.get("all")
        if setting is None or any(_exempts(entry, url) for entry in self.exempt):
            return None
        return setting


def _exempts(entry: str, url: httpx.URL) -> bool:
    """Return whether an entry of NO_PROXY exempts a URL's host.

    An entry is "*", a host, which includes its subdomains, an address, or a network such as 10.0.0.0/8 or ::1/128; a
    scheme before it or a port after it restricts it.
    """
    if entry == "*":
        return True
    scheme, _, rest = entry.lower().rpartition("://")
    if scheme not in {"", "all", url.scheme}:
        return False
    host = url.host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
        if address in ipaddress.ip_network(rest.strip("[]"), strict=False):
            return True
    except ValueError:
        pass
    match = _HOST_AND_PORT.fullmatch(rest)
    if match is None:
        return False
    if match["port"] and int(match["port"]) != (url.port or DEFAULT_PORTS.get(url.scheme)):
        return False
    name = match["host"].strip("[]").lstrip("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
