"""Turn the exceptions of HTTP libraries into typed errors, and tell what they prove. Pure.

A request of which not a byte was sent can be sent again without starting a second job. The class of httpx's exception
does not prove that: httpx-aiohttp raises ConnectTimeout also if the server disconnects after the whole request. Its
cause does, if it is an exception that a library raises only before it sends the request.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from typing import Final

import httpx

from .._errors import APIConnectionError, APITimeoutError
from .._secrets import scrub, without_secrets

_RAISED_BEFORE_SENDING: Final = {
    # A ProxyError is a refused CONNECT; a proxy of another kind answers the request itself.
    "httpcore": ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"),
    "httpcore2": ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"),
    "aiohttp": ("ClientConnectorError", "ClientHttpProxyError", "ConnectionTimeoutError", "InvalidUrlClientError"),
}
"""The exceptions, by the library that raises them, that come before the first byte of a request."""


def proves_unsent(error: BaseException) -> bool:
    """Return whether an exception proves that nothing of a request was sent."""
    return _is_from_before_sending(error) or _is_from_before_sending(error.__cause__)


def _is_from_before_sending(error: BaseException | None) -> bool:
    # A library that is not loaded has raised nothing.
    loaded = [(sys.modules[name], kinds) for name, kinds in _RAISED_BEFORE_SENDING.items() if name in sys.modules]
    return any(isinstance(error, getattr(module, kind, ())) for module, kinds in loaded for kind in kinds)


class UnreachableProxyError(httpx.ProxyError):
    """Raised when there is no connection to a proxy; its cause is that of the failed connection."""


class UnreachableProxyTimeout(httpx.ConnectTimeout):
    """Raised when there is no connection to a proxy in time."""


def connection_error(
    error: Exception, request: httpx.Request, secrets: tuple[str, ...], *, may_prove: bool = True
) -> APIConnectionError:
    """Build the error for an attempt without a complete response.

    Without `may_prove`, the request may have been sent before in the same attempt, so that no cause proves anything.
    """
    what = f"{request.method} {request.url.path}"
    where = f"{request.url.scheme}://{request.url.netloc.decode('ascii', 'replace')}"
    never_sent = may_prove and proves_unsent(error)
    text = f"{what}: {_explained(error, where)}"
    if not never_sent and request.method == "POST":
        text += " The server may have started the job all the same; list the videos before you start it again."
    kind = APITimeoutError if _is_timeout(error) else APIConnectionError
    result = kind(scrub(text, secrets), request=without_secrets(request, secrets))
    result.never_sent = never_sent
    return result


def _explained(error: Exception, where: str) -> str:  # noqa: PLR0911 - one sentence for each case
    """Return what went wrong with the server at `where`, and the way out."""
    certificate = next((each for each in causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return (
            f"the certificate of {where} does not verify ({certificate.verify_message}). Correct the host or the "
            "server's certificate, or name your own authority's certificates in SSL_CERT_FILE."
        )
    if any(isinstance(each, ssl.SSLError) for each in causes(error)):
        return f"no TLS connection to {where} ({error}). Is it a server for https, or one for http?"
    if isinstance(error, httpx.PoolTimeout):
        return (
            f"all connections to {where} were in use for too long (PoolTimeout). Send fewer requests at once, or pass "
            "an http_client with larger limits."
        )
    if isinstance(error, (httpx.ProxyError, UnreachableProxyTimeout)):
        return f"no way to {where} ({type(error).__name__}): {error}. Check the proxy's address and its credentials."
    if _is_timeout(error):
        return f"no response from {where} in time ({type(error).__name__}). Pass timeout= to wait longer."
    if isinstance(error, httpx.ConnectError):
        return f"no connection to {where} ({error}). Is the server running, and is the base URL right?"
    if isinstance(error, httpx.TooManyRedirects):
        return f"{where} redirects in a circle, or too often. Check the base URL."
    return f"the exchange with {where} broke off ({type(error.__cause__ or error).__name__}: {error})."


def _is_timeout(error: Exception) -> bool:
    """Return whether an exception is about time; httpx-aiohttp says so of every broken connection."""
    by_aiohttp = "aiohttp" in sys.modules and isinstance(error.__cause__, sys.modules["aiohttp"].ClientError)
    return isinstance(error, httpx.TimeoutException) and (not by_aiohttp or isinstance(error.__cause__, TimeoutError))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what caused it, each once, since exceptions can cause each other in a circle.

    The context of others does not count: it may be an exception that the caller was handling when they called the SDK.
    """
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        # httpcore's exceptions have what they translate as their context.
        is_of_httpcore = type(error).__module__.partition(".")[0] in {"httpcore", "httpcore2"}
        error = error.__cause__ or (error.__context__ if is_of_httpcore else None)
