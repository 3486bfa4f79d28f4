"""Write the traffic of a scenario as HAR 1.2, which browsers and proxies read. Pure."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .._core.redaction import redacted, secrets_of_key
from .._core.run_result import suite_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.exchange import Exchange


def to_har(exchanges: Iterable[Exchange], base_url: str, key: str) -> str:
    """Return the exchanges as the text of a HAR file, without the key."""
    log = {
        "version": "1.2",
        "creator": {"name": "openvideos-conformance", "version": suite_version()},
        "entries": [_entry(each, base_url, secrets_of_key(key)) for each in exchanges],
    }
    return json.dumps({"log": redacted(log, secrets_of_key(key))}, indent=1, ensure_ascii=False) + "\n"


def _entry(exchange: Exchange, base_url: str, hidden: tuple[str, ...]) -> dict[str, Any]:
    milliseconds = round((exchange.ended - exchange.began) * 1000, 1)
    began = datetime.fromtimestamp(exchange.at - (exchange.ended - exchange.began), UTC)
    body, encoding = _body(redacted(exchange.request_body, hidden))
    answer, answer_encoding = _body(redacted(exchange.body, hidden))
    kind = exchange.request_header("content-type") or ""
    return {
        "startedDateTime": began.isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": {
            "method": exchange.method,
            "url": base_url.rstrip("/") + exchange.target,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.request_headers),
            "queryString": [
                {"name": name, "value": value} for name, value in parse_qsl(exchange.query, keep_blank_values=True)
            ],
            **({"postData": {"mimeType": kind, "text": body, "comment": encoding}} if exchange.request_body else {}),
            "headersSize": -1,
            "bodySize": len(exchange.request_body),
        },
        "response": {
            "status": exchange.status or 0,
            "statusText": exchange.failure,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.headers),
            "content": {
                "size": exchange.length,
                "mimeType": exchange.media_type,
                "text": answer,
                **({"encoding": answer_encoding} if answer_encoding else {}),
            },
            "redirectURL": exchange.header("location") or "",
            "headersSize": -1,
            "bodySize": exchange.length,
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _headers(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _body(body: bytes) -> tuple[str, str]:
    """Return a body as text, and the encoding of that text: base64, or nothing."""
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"
