"""Prepare an exchange for a report: redact it, shorten it, and add a curl command that repeats it. Pure."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from .exchange import json_array, json_object

if TYPE_CHECKING:
    from .exchange import Exchange
    from .target import Target

T = TypeVar("T")

_SHOWN_BODY: Final = 4096
_SHOWN_HEADER: Final = 512
_HIDDEN: Final = frozenset({"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"})
_KEY: Final = "$OPENVIDEOS_API_KEY"


def evidence(exchange: Exchange, base_url: str, secrets: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an exchange as JSON values, without any of `secrets`."""
    shown = {
        "request": {
            "method": exchange.method,
            "url": base_url.rstrip("/") + exchange.target,
            "headers": [list(pair) for pair in _headers(exchange.request_headers)],
            "body": _text(_without(exchange.request_body, secrets)),
        },
        "answer": {
            "status": exchange.status,
            "headers": [list(pair) for pair in _headers(exchange.headers)],
            "body": _text(_without(exchange.body, secrets)),
            "length": exchange.length,
            "failure": exchange.failure,
        },
        "seconds": round(exchange.ended - exchange.began, 3),
        "layer": exchange.layer,
        "curl": curl(exchange, base_url),
    }
    return redacted(shown, secrets)


def secrets_of(target: Target) -> tuple[str, ...]:
    """Return the secrets of a target, which no report may show, also as JSON, Python and URLs escape them."""
    found: dict[str, None] = {}
    hook = target.webhook_secret
    for secret in filter(None, (target.api_key, hook, hook.removeprefix("whsec_") if hook else None)):
        spellings = (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""))
        found.update(dict.fromkeys(spellings))
    return tuple(sorted(found, key=len, reverse=True))  # the longest first, since one may contain another


def redacted(value: T, secrets: tuple[str, ...]) -> T:
    """Return a JSON value with `***` for each of these secrets. Keys of objects are not searched: they are our own."""
    result: T = _redact(value, tuple(secret for secret in secrets if secret))
    return result


def curl(exchange: Exchange, base_url: str) -> str:
    """Return a shell command that sends the request again; it reads the key from OPENVIDEOS_API_KEY."""
    words = ["curl", "-i", "--path-as-is", "-X", exchange.method]
    if exchange.method == "HEAD":
        words = ["curl", "--head", "--path-as-is"]  # with -X HEAD, curl would wait for a body
    media_type = ""
    for name, value in exchange.request_headers:
        if name == "content-type":
            media_type = value
        if name == "authorization":
            continue
        if name not in _HIDDEN and not value.startswith("multipart/form-data; boundary="):
            words += ["-H", f"{name}: {value[:_SHOWN_HEADER]}"]
    if media_type.startswith("multipart/form-data; boundary=") and exchange.request_fields:
        for name, value in exchange.request_fields.items():
            words += ["-F", f"{name}=@FILE" if isinstance(value, bytes) else f"{name}={_cut(str(value))}"]
    elif exchange.request_body:
        words += ["--data-binary", _text(exchange.request_body)]
    line = shlex.join([*words, base_url.rstrip("/") + exchange.target])
    has_key = exchange.request_header("authorization") is not None
    return f'{line} -H "Authorization: Bearer {_KEY}"' if has_key else line


def _headers(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, value[:_SHOWN_HEADER]) for name, value in pairs]


def _text(body: bytes) -> str:
    if not body:
        return ""
    try:
        text = body[:_SHOWN_BODY].decode("utf-8", "strict" if len(body) <= _SHOWN_BODY else "ignore")
    except UnicodeDecodeError:
        return f"({len(body)} bytes that are not text: {body[:16].hex(' ')} …)"
    if "\x00" in text:
        return f"({len(body)} bytes that are not text: {body[:16].hex(' ')} …)"
    return text if len(body) <= _SHOWN_BODY else f"{text}… ({len(body)} bytes)"


def _without(body: bytes, secrets: tuple[str, ...]) -> bytes:
    # Secrets are removed before the body is cut, since half of a secret would not be found.
    shown, rest = body[: 2 * _SHOWN_BODY], body[2 * _SHOWN_BODY :]
    for secret in filter(None, secrets):
        shown = shown.replace(secret.encode("utf-8", "surrogatepass"), b"***")
    return shown + rest


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_HEADER else f"{text[:_SHOWN_HEADER]}…"


def _redact(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "***")
        return value
    if json_object(value):
        return {name: _redact(each, secrets) for name, each in json_object(value).items()}
    return [_redact(each, secrets) for each in json_array(value)] if json_array(value) else value
