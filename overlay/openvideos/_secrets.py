"""Remove secrets from the requests, responses and texts that errors carry. Pure."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast

import httpx

from ._json import is_array, is_object

REDACTED: Final = "[redacted]"
SHORTEST: Final = 6

_SECRET_NAME: Final = re.compile(
    r"authorization|cookie|secret|token|signature|passw|pwd|credential|bearer"
    r"|(^|[-_])(sig|jwt|auth|pass|session[-_]?id|((api|access|subscription)[-_]?)?key([-_]?id)?)$",
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(r"(?<=[?&])([^?&#=\s]+)=([^&#\s\"'<>]+)")
# This key is no secret: it grants no access, and is needed to find the job again.
_PUBLIC_NAMES: Final = frozenset({"idempotency-key"})


def shown(url: str | httpx.URL) -> str:
    """Return a URL without a user name, a password and the values of parameters that usually are secrets."""
    return str(_url(httpx.URL(url), ()))


def is_secret_name(name: str) -> bool:
    """Return whether a header or query parameter with this name usually contains a secret."""
    return name.lower() not in _PUBLIC_NAMES and _SECRET_NAME.search(name) is not None


def secrets_in(requests: Iterable[httpx.Request]) -> tuple[str, ...]:
    """Return the secrets in the headers and queries of requests, the longest first, since one may contain another.

    Short values, such as "none", are ignored: they occur anywhere.
    """
    found: set[str] = set()
    for request in requests:
        for name, value in (*request.headers.items(), *request.url.params.multi_items()):
            if is_secret_name(name):
                found.update(_secrets_of(name.lower(), value))
    return tuple(sorted((text for text in found if len(text) >= SHORTEST and text != REDACTED), key=len, reverse=True))


def _secrets_of(name: str, value: str) -> list[str]:
    if name == "cookie":
        return [pair.partition("=")[2].strip() for pair in value.split(";")]
    # The scheme of an authorization, such as Bearer, is not part of the secret.
    return [value.rpartition(" ")[2] if "authorization" in name else value]


@lru_cache(maxsize=16)
def _spelled(secret: str) -> re.Pattern[str]:
    """Return a pattern for a secret of which any character may be escaped as in JSON or a URL, three times over."""
    return re.compile("".join(map(_character, secret)))


def _character(character: str) -> str:
    itself, short = re.escape(character), re.escape(json.dumps(character)[-2])
    code = _digits(ord(character), 4)
    octets = "".join(rf"%(?:25){{0,3}}{_digits(octet, 2)}" for octet in character.encode("utf-8", "replace"))
    # Each alternative begins with one character, so that a search skips in C what begins with none of them.
    return rf"(?:{itself}|\\(?:\\{{0,6}}(?:{itself}|{short}|u{code}))|{octets})"


def _digits(number: int, width: int) -> str:
    return "".join(f"[{digit}{digit.upper()}]" for digit in f"{number:0{width}x}")


def _without(text: str, secret: str) -> str:
    text = text.replace(secret, REDACTED)
    # To compile the pattern of a long token takes longer than most calls, and few texts have an escape.
    return _spelled(secret).sub(REDACTED, text) if "\\" in text or "%" in text else text


def _headers(headers: httpx.Headers, secrets: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    # Headers are handled as bytes, because a header that is not ASCII cannot be encoded again from text.
    return [
        (
            _scrub_bytes(name, secrets),
            REDACTED.encode()
            if is_secret_name(name.decode("latin-1"))
            else _PARAMETER.sub(_parameter, _scrub_bytes(value, secrets).decode("latin-1")).encode("latin-1"),
        )
        for name, value in headers.raw
    ]


def _parameter(found: re.Match[str]) -> str:
    """Return a parameter of an address, such as that of a redirect, without its value if that usually is a secret."""
    return f"{found[1]}={REDACTED}" if is_secret_name(found[1]) else found[0]


def _scrub_bytes(value: bytes, secrets: tuple[str, ...], encoding: str = "latin-1") -> bytes:
    # A server may name any codec of Python, also one that is not for text.
    with contextlib.suppress(Exception):
        text = value.decode(encoding, "replace")
        clean = scrub(text, secrets)
        return value if clean == text else clean.encode(encoding, "replace")
    return value


def _url(url: httpx.URL, secrets: tuple[str, ...]) -> httpx.URL:
    if url.userinfo:
        url = url.copy_with(username=None, password=None)
    if scrub(url.host, secrets) != url.host:
        url = url.copy_with(host="redacted")
    if scrub(url.path, secrets) != url.path:
        url = url.copy_with(path=scrub(url.path, secrets))
    if url.fragment:
        url = url.copy_with(fragment=None)
    if url.query:
        url = url.copy_with(
            params=[
                (scrub(name, secrets), REDACTED if is_secret_name(name) else scrub(value, secrets))
                for name, value in url.params.multi_items()
            ]
        )
    return url


def scrub(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a JSON value with all occurrences of secrets replaced, also in keys."""
    if isinstance(value, str):
        for secret in secrets:
            value = _without(value, secret)
        return value
    if is_array(value):
        return [scrub(item, secrets) for item in value]
    if is_object(value):
        return {scrub(key, secrets): scrub(item, secrets) for key, item in value.items()}
    return value


def without_secrets(request: httpx.Request, secrets: tuple[str, ...]) -> httpx.Request:
    """Return a copy of a request for an error: without the body, and without secrets in the URL and the headers."""
    return httpx.Request(request.method, _url(request.url, secrets), headers=_headers(request.headers, secrets))


def response_without_secrets(response: httpx.Response, secrets: tuple[str, ...]) -> httpx.Response:
    """Return a copy of a response, which was read, for an error: without secrets, and without its history."""
    content = response.content
    # Latin-1 reads every text that has ASCII in it; the others are what readers of JSON and of text see.
    for encoding in ("latin-1", json.detect_encoding(content), response.encoding or "latin-1"):
        content = _scrub_bytes(content, secrets, encoding)
    # The content is decoded already, and its length may have changed.
    headers = [
        (name, value)
        for name, value in _headers(response.headers, secrets)
        if name.lower() not in {b"content-encoding", b"content-length", b"transfer-encoding"}
    ]
    return httpx.Response(
        response.status_code, headers=headers, content=content, request=without_secrets(response.request, secrets)
    )


def error_without_secrets(error: BaseException, request: httpx.Request, secrets: tuple[str, ...]) -> BaseException:
    """Return a copy of an exception for another one's cause: its type, its text, its traceback, and its own causes.

    The exceptions of httpx and of other libraries have the request with its headers as attributes; a copy has none but
    `request`, where httpx has it. `request` is without secrets already.
    """
    return _chain_of(error, request, secrets, set())


def _chain_of(
    error: BaseException, request: httpx.Request, secrets: tuple[str, ...], copied: set[int]
) -> BaseException:
    copied.add(id(error))
    copy = last = _copy_of(error, request, secrets, copied)
    while (deeper := error.__cause__ if error.__suppress_context__ else error.__context__) is not None:
        if id(deeper) in copied:
            break
        copied.add(id(deeper))
        deeper_copy = _copy_of(deeper, request, secrets, copied)
        last.__cause__, last, error = deeper_copy, deeper_copy, deeper
    return copy


def _copy_of(error: BaseException, request: httpx.Request, secrets: tuple[str, ...], copied: set[int]) -> BaseException:
    """Return an exception with the type and the text of another, or with its text alone if its class does not allow."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        inner = [_chain_of(each, request, secrets, copied) for each in group.exceptions]
        return BaseExceptionGroup(scrub(group.message, secrets), inner).with_traceback(group.__traceback__)
    kind, text = type(error), scrub(str(error), secrets)
    plain = tuple(scrub(item, secrets) for item in error.args if isinstance(item, (str, int)))
    for args in (plain, (text,)):
        # Other classes' constructors may want anything, and do anything.
        with contextlib.suppress(Exception):
            copy = kind.__new__(kind, *args)
            copy.args = args
            if isinstance(copy, httpx.HTTPError):
                copy.request = request
            if str(copy) == text:
                return copy.with_traceback(error.__traceback__)
    return httpx.TransportError(f"{kind.__name__}: {text}").with_traceback(error.__traceback__)
