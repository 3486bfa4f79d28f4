"""Decide whether a request may come from a page of another site, which a browser on this machine has open. Pure.

Such a page does not know the API key, so a key keeps it out. Where none is needed, three headers that no page can set
tell it apart:

- `Host` names whom the page believes to reach. By DNS rebinding, a page makes its own name lead to this machine, and
  could then read all responses. So the host must be a name or an address of loopback, the address that the server
  listens on, or a name that was allowed.
- `Origin` names the page's own site, on each request but plain reads.
- `Sec-Fetch-Site` says how a browser sees the two. It suffices if the names of the server are not known.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .refusals import Reason, RefusalError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?")
_NAME: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")  # underscores: containers have them in their names
_HOST: Final = b"host"
_ORIGIN: Final = b"origin"
_SITE: Final = b"sec-fetch-site"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whose requests are served: `hosts` are the allowed hosts beside those of loopback, or None for any host."""

    hosts: frozenset[str] | None
    has_key: bool

    @classmethod
    def of(cls, allowed_hosts: Iterable[str] | None, *, has_key: bool) -> Neighbours:
        """Serve requests for these hosts; with None, for any host.

        Raises:
            ValueError: One of them is not the name of a host, or an address.
        """
        return cls(None if allowed_hosts is None else frozenset(map(spelled_name, allowed_hosts)), has_key)

    def check(self, method: str, headers: Collection[tuple[bytes, bytes]], *, is_counted: bool = False) -> None:
        """Check a request by its headers, which are those of its ASGI scope; a read that is counted changes something.

        Raises:
            RefusalError: Its host is not allowed, or a page of another site may have sent it.
        """
        if self.hosts is not None:
            self._check_host([value.decode("latin-1") for name, value in headers if name == _HOST])
        if (is_counted or method not in _SAFE) and self.are_of_a_page(headers):
            raise RefusalError(
                Reason.FORBIDDEN,
                "A page of another site cannot change anything, and reads of jobs are counted; to allow it, start the"
                " emulator with --api-key.",
                code="cross_site",
            )

    def are_of_a_page(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether the headers are those of a request that a page of another site may have sent without a key."""
        return not self.has_key and any(self._is_of_a_page(name, value.decode("latin-1")) for name, value in headers)

    def _check_host(self, hosts: list[str]) -> None:
        host = host_of(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            raise RefusalError(
                Reason.FORBIDDEN,
                "The request does not name one host in its header Host.",
                code="host_not_allowed",
                param="Host",
            )
        if not self._is_allowed(host):
            raise RefusalError(
                Reason.FORBIDDEN,
                f"The host {shown(host)} is not known to be this emulator, so a page of another site may have sent the"
                f" request; to allow the host, start the emulator with --allow-host {shown(host)}, or with --api-key.",
                code="host_not_allowed",
                param="Host",
            )

    def _is_of_a_page(self, name: bytes, value: str) -> bool:
        if name == _SITE:
            return value == "cross-site"
        if name != _ORIGIN or self.hosts is None:
            return False
        _, separator, authority = value.partition("://")  # of a page without a site, the origin is `null`
        host = host_of(authority) if separator else None
        return host is None or not self._is_allowed(host)

    def _is_allowed(self, host: str) -> bool:
        return (self.hosts is not None and host in self.hosts) or is_loopback(host)


@lru_cache(maxsize=128)
def host_of(authority: str) -> str | None:
    """Return the host of an authority, such as `localhost:8000` or `[::1]`, in one spelling; None if it has none."""
    match = _AUTHORITY.fullmatch(authority)
    return None if match is None else _spelled(match[1])


def spelled_name(text: str) -> str:
    """Return a name or an address of a host in the spelling of `host_of`; an IPv6 address may lack its brackets.

    Raises:
        ValueError: The text is something else.
    """
    host = _spelled(f"[{text}]" if ":" in text and not text.startswith("[") else text)
    if host is None:
        raise ValueError(
            f"{shown(repr(text))} is not the name of a host; write it without a scheme and a port, and in ASCII"
            " (xn--...)"
        )
    return host


@lru_cache(maxsize=128)
def is_loopback(host: str) -> bool:
    """Return whether a host, in the spelling of `host_of`, is always this machine (RFC 6761, section 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _spelled(host: str) -> str | None:
    try:
        if host.startswith("["):
            address = ipaddress.IPv6Address(host[1:-1].partition("%")[0])  # a zone is of this machine alone
            return str(address.ipv4_mapped or address)
        return str(ipaddress.IPv4Address(host.removesuffix(".")))
    except ValueError:
        name = host.removesuffix(".").lower() if host.isascii() else ""
        return name if _NAME.fullmatch(name) else None
