"""Prepare an exchange for a report: redact it, shorten it, and add a command that repeats it. Pure."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from .causes import shape
from .contract import contract
from .curl import curl
from .exchange import MISSING
from .operations import ERROR, OPERATIONS
from .redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .exchange import Exchange
    from .outcomes import Finding

SHOWN_EXCHANGES: Final = 4
"""How many exchanges of a finding reports show: the last ones, which decide."""

_SHOWN_BODY: Final = 4096
_SHOWN_HEADER: Final = 512
_SHOWN_FLAWS: Final = 5
_LONGEST_MESSAGE: Final = 400
_MOST_FINDINGS: Final = 200
_MOST_SHAPES: Final = 10
_BAD: Final = 400


def evidence(exchange: Exchange, base_url: str, secrets: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an exchange as JSON values, without any of `secrets`."""
    exchange = _without(exchange, secrets)
    schema, flaws = _flaws(exchange)
    return {
        "operation": exchange.operation,
        "schema": schema,
        "flaws": flaws[:_SHOWN_FLAWS],
        "request": {
            "method": exchange.method,
            "url": exchange.elsewhere or base_url.rstrip("/") + exchange.target,
            "headers": [list(pair) for pair in _headers(exchange.request_headers)],
            "body": _text(exchange.request_body),
        },
        "answer": {
            "status": exchange.status,
            "headers": [list(pair) for pair in _headers(exchange.headers)],
            "body": _text(exchange.body),
            "length": exchange.length,
            "failure": exchange.failure,
        },
        "seconds": round(exchange.ended - exchange.began, 3),
        "layer": exchange.layer,
        "curl": curl(exchange, base_url, exchange.request_body),
    }


def more_findings(
    findings: Sequence[Finding], base_url: str, secrets: tuple[str, ...] = ()
) -> tuple[Mapping[str, Any], ...]:
    """Return the findings after the first as JSON values; each shape of message has exchanges once, up to a limit."""
    shapes = {shape(finding.message) for finding in findings[:1]}
    found: list[Mapping[str, Any]] = []
    for finding in findings[1:]:
        if len(found) == _MOST_FINDINGS:
            found.append(_finding(f"… and {len(findings) - 1 - len(found)} more"))
            break
        is_new = shape(finding.message) not in shapes and len(shapes) < _MOST_SHAPES
        shapes.add(shape(finding.message)) if is_new else None
        kept = finding.exchanges[-SHOWN_EXCHANGES:] if is_new else ()
        shown = [evidence(each, base_url, secrets) for each in kept]
        found.append(_finding(redacted(finding.message, secrets)[:_LONGEST_MESSAGE], finding.statuses, shown))
    return tuple(found)


def _finding(message: str, statuses: Iterable[int] = (), exchanges: Sequence[object] = ()) -> dict[str, Any]:
    return {"message": message, "statuses": sorted(statuses), "exchanges": list(exchanges)}


def _flaws(exchange: Exchange) -> tuple[str | None, list[str]]:
    """Return the schema of the body of a response, and how the body breaks it; None if no schema is known."""
    facts = OPERATIONS.get(exchange.operation or "")
    schema = facts.schema if exchange.is_ok and facts is not None else None
    if not exchange.failure and (exchange.status or 0) >= _BAD:
        schema = ERROR
    if schema is None:
        return None, []
    if exchange.json is MISSING:
        return schema, [f"$: the body is {exchange.no_json}"]
    return schema, [flaw[:_LONGEST_MESSAGE] for flaw in contract().flaws(exchange.json, schema)]


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


def _without(exchange: Exchange, secrets: tuple[str, ...]) -> Exchange:
    """Return an exchange without secrets. That comes before anything is cut, since half of a secret is not found."""
    return dataclasses.replace(
        exchange,
        path=redacted(exchange.path, secrets),
        query=redacted(exchange.query, secrets),
        failure=redacted(exchange.failure, secrets),
        elsewhere=redacted(exchange.elsewhere, secrets),
        request_headers=_clean(exchange.request_headers, secrets),
        request_body=redacted(exchange.request_body, secrets),  # the whole, since curl packs it
        credential=redacted(exchange.credential, secrets),
        request_fields=redacted(dict(exchange.request_fields), secrets),
        headers=_clean(exchange.headers, secrets),
        body=_clean_body(exchange.body, secrets),
    )


def _clean(pairs: tuple[tuple[str, str], ...], secrets: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((redacted(name, secrets), redacted(value, secrets)) for name, value in pairs)


def _clean_body(body: bytes, secrets: tuple[str, ...]) -> bytes:
    """Return a body without secrets, as far as it may be shown."""
    window = body[: 3 * _SHOWN_BODY]
    clean = redacted(window, secrets)
    if clean == window or len(body) == len(window):
        return clean + body[len(window) :]
    return clean[:-_SHOWN_BODY] or b"***"  # there may be the beginning of a secret at the end
