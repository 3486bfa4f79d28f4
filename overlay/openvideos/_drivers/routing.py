"""Send each request over its proxy, or directly, as the environment says when a client sends its first request.

httpx itself reads all settings when a client is made, and raises whatever a library raises about one that cannot be
used, also if no request needs it. Here, the settings that a request needs are checked, and an error names the variable.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Generic, TypeVar
from urllib.request import getproxies

import httpx

from .._errors import ConfigurationError
from .connection_errors import UnreachableProxyError, UnreachableProxyTimeout, causes
from .own_transport import AsyncOwnTransport, OwnTransport
from .pool import aclose_all
from .proxies import Proxies, ProxySetting

T = TypeVar("T", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


class _Routes(Generic[T]):
    """The connections of a client: one transport for each proxy, made when it is first needed."""

    def __init__(self, make: Callable[[ssl.SSLContext, httpx.Proxy | None], T]) -> None:
        self._make = make
        self._proxies = Proxies.of(getproxies(), os.environ)
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._transports: dict[tuple[str | None, bool], T] = {}

    def route(self, url: httpx.URL) -> tuple[T, ProxySetting | None]:
        """Return the transport for a request, and its proxy.

        Raises:
            ConfigurationError: A variable of the environment that the request needs cannot be used.
        """
        setting = self._proxies.for_url(url)
        proxy = None if setting is None else setting.checked()
        encrypted = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
        key = (None if setting is None else setting.value, encrypted)
        with self._lock:
            if key not in self._transports:
                self._transports[key] = self._connected(setting, proxy, encrypted=encrypted)
            return self._transports[key], setting

    def _connected(self, setting: ProxySetting | None, proxy: httpx.Proxy | None, *, encrypted: bool) -> T:
        if encrypted and self._tls is None:
            self._tls = trusted_certificates()
        if proxy is not None and proxy.url.scheme == "https":
            proxy = httpx.Proxy(proxy.url, ssl_context=self._tls, auth=proxy.auth, headers=proxy.headers)
        # To load the certificates takes 20 ms. The other context trusts none, so it can verify nothing.
        context = self._tls if encrypted and self._tls is not None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if setting is not None and proxy is not None and proxy.url.scheme.startswith("socks") and not _has_socks():
            raise ConfigurationError(
                f"{setting.variable} is {setting.shown!r}, and SOCKS needs a package: pip install 'httpx[socks]'. "
                "Install it, or name the server's host in NO_PROXY."
            )
        return self._make(context, proxy)

    def all(self) -> list[T]:
        """Return the transports that were made."""
        with self._lock:
            return [*self._transports.values()]


def _has_socks() -> bool:
    """Return whether the package is installed that httpx needs for SOCKS."""
    return find_spec("socksio") is not None


def trusted_certificates() -> ssl.SSLContext:
    """Return the certificates that SSL_CERT_FILE or SSL_CERT_DIR names, else certifi's.

    Raises:
        ConfigurationError: They cannot be read, or the file that SSLKEYLOGFILE names cannot be written.
    """
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        # As httpx does from 0.28 on; before, it took certifi's for a file that is not there.
        if file or directory:
            return ssl.create_default_context(cafile=file or None, capath=None if file else directory)
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        key_log = os.environ.get("SSLKEYLOGFILE")
        if key_log and getattr(error, "filename", None) == key_log:
            raise ConfigurationError(
                f"SSLKEYLOGFILE is {key_log!r}, and the keys of TLS cannot be written to it ({error}). Correct it, or "
                "unset it."
            ) from error
        name = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "certifi's file")
        raise ConfigurationError(
            f"The trusted certificates cannot be read: {name} is {os.environ.get(name, '')!r} ({error}). It names a "
            "file, or a directory, of certificates in PEM form; correct it, or unset it."
        ) from error


@contextmanager
def _naming_proxy(setting: ProxySetting | None) -> Generator[None]:
    """Let errors of the connection to a proxy name the proxy; their cause still proves that nothing was sent."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        if setting is None or any(isinstance(each, ssl.SSLError) for each in causes(error)):
            raise  # the proxy is there; the TLS inside its tunnel fails
        kind = UnreachableProxyTimeout if isinstance(error, httpx.TimeoutException) else UnreachableProxyError
        raise kind(f"the proxy {setting.shown} ({setting.variable}) fails: {error}") from error.__cause__


class RoutingTransport(httpx.BaseTransport):
    """The blocking transport of the SDK's own client."""

    def __init__(self) -> None:
        """Read the environment's proxies; nothing is connected yet."""
        self._routes = _Routes[httpx.BaseTransport](OwnTransport)
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over its proxy, or directly."""
        transport, proxy = self._routes.route(request.url)
        with _naming_proxy(proxy):
            response = transport.handle_request(request)
        if self._is_closed:
            # Another thread closed the client, and missed a connection that was being made.
            response.extensions["network_stream"].close()
        return response

    def close(self) -> None:
        """Close all connections."""
        self._is_closed = True
        for transport in self._routes.all():
            transport.close()


class AsyncRoutingTransport(httpx.AsyncBaseTransport):
    """The async transport of the SDK's own client."""

    def __init__(self) -> None:
        """Read the environment's proxies; nothing is connected yet."""
        self._routes = _Routes[httpx.AsyncBaseTransport](AsyncOwnTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over its proxy, or directly."""
        transport, proxy = self._routes.route(request.url)
        with _naming_proxy(proxy):
            return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        await aclose_all(self._routes.all())
