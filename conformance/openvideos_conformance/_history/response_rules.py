"""Judge the errors, headers and bodies of all responses of a run. Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import branches
from .._core.exchange import MISSING, json_array, json_object
from .._core.flaws import told
from .._judging.assertions import shown
from .._judging.server_errors import server_errors
from .rule import rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_ERROR: Final = "#/components/schemas/ErrorResponse"
_SHORTEST_SECRET: Final = 8
"""A shorter key may be in a text by chance."""

STACK_TRACES: Final = re.compile(
    r"""
      Traceback\ \(most\ recent\ call\ last\)
    | ^[ \t]*File\ "[^"\n]{1,300}",\ line\ \d+,\ in\ .  # Python
    | ^[ \t]*at\ [^(\n]{1,300}\([^()\n]{1,300}\.(?:java|kt|scala|groovy):\d+\)  # the JVM
    | ^[ \t]*at\ [^\n]{0,300}?\(?(?:/|file:|node:|[A-Za-z]:\\)[^\n:]{1,300}:\d+:\d+\)?[ \t]*$  # JavaScript
    | ^[ \t]*at\ [^\n]{1,300}?\ in\ [^\n]{1,300}?:line\ \d+  # .NET
    | ^goroutine\ \d+\ \[  # Go
    | thread\ '[^'\n]{0,300}'\ (?:\(\d+\)\ )?panicked\ at  # Rust
    | ^\#\d+\ [^\n(]{1,300}\.php\(\d+\)  # PHP
    | ^[ \t]*(?:from\ )?[^\s:]{1,300}\.rb:\d+:in\ [`']  # Ruby
    """,
    re.VERBOSE | re.MULTILINE,
)


# ---------------------------------------------------------------- errors
@rule(
    "VID-ERROR-001",
    "every error has the envelope",
    needs="a response of 400 or above",
    probes=("one_of_each", "refusals"),
    jobs=("json",),
)
def errors_have_the_envelope(traffic: Traffic, tally: Tally) -> None:
    """Judge the body of each error."""
    for exchange in traffic.errors:
        if exchange.operation == "retrieve_video" and exchange.object.get("status") == "failed":
            continue  # the failed job itself, which another requirement judges
        if exchange.is_unread and exchange.body.startswith(b"{"):
            continue  # it may have one
        tally.judged()
        if not exchange.body:
            tally.found(f"{exchange.summary} has no body", exchange, once=(exchange.status, exchange.operation))
            continue
        flaws = traffic.flaws(exchange.object, _ERROR) if exchange.object else [_kind(exchange)]
        if flaws:
            message = f"{exchange.summary} has no error envelope: {told(flaws)}"
            tally.found(message, exchange, once=(exchange.status, exchange.operation))


def _kind(exchange: Exchange) -> str:
    if exchange.json is not MISSING:
        return "the body is not a JSON object"
    kind = exchange.media_type or "of no media type"
    return f"the body is {kind}, and {exchange.no_json}: {shown(exchange.body[:60])}"


@rule("VID-ERROR-004", "a 405 names the methods of the path", needs="a 405", probes=("wrong_methods",))
def refused_methods_name_the_right_ones(traffic: Traffic, tally: Tally) -> None:
    """Find 405s without Allow, or whose Allow lacks a method of the path that has succeeded in this run."""
    offered: dict[str, set[str]] = {}
    for exchange in traffic.with_response:
        if exchange.is_ok and exchange.operation is not None:
            operation = traffic.contract.operation(exchange.operation)
            offered.setdefault(operation.path, set()).add(operation.method)
    for exchange in traffic.with_response:
        if exchange.status != 405:  # noqa: PLR2004 - HTTP's own
            continue
        tally.judged()
        allow = exchange.header("allow")
        if allow is None:
            tally.found(f"{exchange.summary} has no Allow", exchange, once=True)
            continue
        named = {method.strip().upper() for method in allow.split(",")}
        missing = offered.get(_path(traffic, exchange.path) or "", set()) - named
        if missing:
            message = f"{exchange.summary} has Allow {shown(allow)}, and the path has {', '.join(sorted(missing))}, too"
            tally.found(message, exchange, once=True)


def _path(traffic: Traffic, path: str) -> str | None:
    """Return the template of a path; None if the contract does not have the path."""
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
        operation, _ = traffic.contract.match(method, path)
        if operation is not None:
            return traffic.contract.operation(operation).path
    return None


@rule("VID-ERROR-005", "no request leads to a server error", needs="a response")
def nothing_leads_to_a_server_error(traffic: Traffic, tally: Tally) -> None:
    """Find requests without a response, and 5XX statuses. A 503 is that of a busy server, which is not judged."""
    tally.instances = sum(each.status is not None and not each.elsewhere for each in traffic.exchanges)
    for exchange in server_errors(traffic.exchanges):
        if exchange.status is None:
            message = f"{exchange.method} {exchange.target} has no response: {exchange.failure}"
            tally.found(message, exchange, once=(exchange.operation, exchange.method, exchange.failure))
        else:
            once = exchange.operation, exchange.method, exchange.status
            tally.found(f"{exchange.summary} is a server error", exchange, once=once)


@rule(
    "VID-ERROR-006",
    "errors hold neither the key nor a stack trace",
    needs="a response of 400 or above",
    probes=("one_of_each",),
)
def errors_keep_secrets(traffic: Traffic, tally: Tally) -> None:
    """Search the headers and the body of each error."""
    secrets = [secret for secret in traffic.secrets if len(secret) >= _SHORTEST_SECRET]
    for exchange in traffic.errors:
        tally.judged()
        body = exchange.body[: 1 << 16].decode("utf-8", "replace")
        # JSON escapes characters: a line break is \n, and a slash may be \/. So its texts are searched, too.
        text = "\n".join((body, *_texts(exchange.json), *(value for _, value in exchange.headers)))
        if any(secret in text for secret in secrets):
            tally.found(f"{exchange.summary} holds the API key", exchange, once="key")
        trace = STACK_TRACES.search(text)
        if trace is not None:
            tally.found(f"{exchange.summary} holds a stack trace: {shown(trace[0].strip())}", exchange, once="trace")


def _texts(value: Any) -> Iterator[str]:
    left, budget = [value], 10_000
    while left and budget:
        budget -= 1
        each = left.pop()
        if isinstance(each, str):
            yield each
        left.extend(json_object(each).values())
        left.extend(json_array(each))


@rule("VID-ERROR-009", "a status is one that the contract gives the operation", needs="a response to an operation")
def statuses_are_documented(traffic: Traffic, tally: Tally) -> None:
    """Compare each status with those of the operation."""
    for exchange in traffic.with_response:
        if exchange.operation is None or exchange.status is None:
            continue
        tally.judged()
        is_asked_for = exchange.status == 304 and exchange.request_header("if-none-match") is not None  # noqa: PLR2004
        if traffic.contract.response(exchange.operation, exchange.status) is None and not is_asked_for:
            message = f"{exchange.summary}: the contract has no {exchange.status} for {exchange.operation}"
            tally.found(message, exchange, once=(exchange.operation, exchange.status))


@rule("VID-ERROR-010", "a 429 and a 503 say when to try again", needs="a 429 or a 503")
def busy_servers_say_when(traffic: Traffic, tally: Tally) -> None:
    """Find 429s and 503s without Retry-After."""
    for exchange in traffic.busy:
        tally.judged()
        if exchange.header("retry-after") is None:
            tally.found(f"{exchange.summary} has no Retry-After", exchange, once=exchange.status)


@rule("VID-AUTH-005", "a 401 names the scheme", needs="a 401", probes=("one_of_each",))
def refused_keys_name_the_scheme(traffic: Traffic, tally: Tally) -> None:
    """Find 401s whose WWW-Authenticate does not name Bearer."""
    for exchange in traffic.with_response:
        if exchange.status == 401:  # noqa: PLR2004 - HTTP's own
            tally.judged()
            challenge = exchange.header("www-authenticate")
            if re.search(r"(?:^|,)\s*bearer(?:[\s,]|$)", challenge or "", re.IGNORECASE) is None:
                message = f"{exchange.summary} has WWW-Authenticate {shown(challenge)}, which does not name Bearer"
                tally.found(message, exchange, once=True)


# ---------------------------------------------------------------- headers
@rule("VID-HEADER-001", "every response has an x-request-id", needs="a response", probes=("one_of_each",))
def responses_have_a_request_id(traffic: Traffic, tally: Tally) -> None:
    """Find responses without the header."""
    for exchange in traffic.with_response:
        tally.judged()
        if not exchange.header("x-request-id"):
            tally.found(f"{exchange.summary} has no x-request-id", exchange, once=True)


@rule(
    "VID-HEADER-002",
    "each response has an x-request-id of its own",
    needs="two responses with x-request-id",
    probes=("one_of_each",),
)
def request_ids_are_unique(traffic: Traffic, tally: Tally) -> None:
    """Find two responses with the same id, unless the request chose it."""
    seen: dict[str, Exchange] = {}
    for exchange in traffic.exchanges:
        request_id = exchange.header("x-request-id")
        if not request_id or exchange.elsewhere or request_id == exchange.request_header("x-request-id"):
            continue
        other = seen.setdefault(request_id, exchange)
        if other is not exchange:
            tally.judged()
            message = f"{other.summary} and {exchange.summary} have the same x-request-id {shown(request_id)}"
            tally.found(message, other, exchange, once=request_id)
    if len(seen) > 1:
        tally.instances += len(seen)


@rule("VID-HEADER-003", "JSON is application/json", needs="a response with JSON", probes=("one_of_each",))
def json_has_its_media_type(traffic: Traffic, tally: Tally) -> None:
    """Judge the media type of each body that is a JSON object or array."""
    for exchange in traffic.with_response:
        if isinstance(exchange.json, dict | list):
            tally.judged()
            if exchange.media_type != "application/json":
                message = f"{exchange.summary} is JSON of the media type {shown(exchange.media_type)}"
                tally.found(message, exchange, once=exchange.media_type)


@rule("VID-HEADER-004", "headers fit their schemas", needs="a header that the contract describes")
def headers_fit(traffic: Traffic, tally: Tally) -> None:
    """Judge the form of each such header. The poll hint has a requirement of its own."""
    schemas = _header_schemas(traffic)
    for exchange in [*traffic.with_response, *traffic.busy]:
        for name, value in exchange.headers:
            schema = schemas.get(name.lower())
            if schema is None or (name.lower() == "content-range" and exchange.status not in {206, 416}):
                continue
            tally.judged()
            flaw = _flaw(name.lower(), value, exchange, schema)
            if flaw:
                tally.found(f"{exchange.summary} has {name} {shown(value)}, {flaw}", exchange, once=name.lower())


def _header_schemas(traffic: Traffic) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for operation in traffic.contract.operations:
        for response in operation.definition["responses"].values():
            for name, header in json_object(traffic.contract.resolve(response)).get("headers", {}).items():
                found[name.lower()] = json_object(traffic.contract.resolve(header))["schema"]
    found.pop("openai-poll-after-ms", None)
    return found


def _flaw(name: str, value: str, exchange: Exchange, schema: dict[str, Any]) -> str:
    text = value.strip()
    if schema["type"] == "integer":
        return "" if text.isascii() and text.isdecimal() else "which is not a whole number"
    if len(text) < schema.get("minLength", 0):
        return "which is too short"
    if text.lower() not in schema.get("enum", [text.lower()]):
        return f"which is none of {', '.join(schema['enum'])}"
    form = _FORMS.get(name)
    return "" if form is None else form(text, exchange)


def _retry_after(text: str, _: Exchange) -> str:
    if text.isascii() and text.isdecimal():
        return ""
    try:
        parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return "which is neither whole seconds nor a date"
    return ""


def _content_range(text: str, exchange: Exchange) -> str:
    is_part = exchange.status == 206  # noqa: PLR2004 - HTTP's own
    form = r"bytes [0-9]+-[0-9]+/([0-9]+|\*)" if is_part else r"bytes \*/[0-9]+"
    expected = "bytes 0-9/100" if is_part else "bytes */100"
    return "" if re.fullmatch(form, text) else f"which does not have the form of {expected!r}"


_FORMS: Final[dict[str, Callable[[str, Exchange], str]]] = {
    "retry-after": _retry_after,
    "content-range": _content_range,
}


@rule(
    "VID-HEADER-005",
    "JSON is UTF-8 without NaN and Infinity",
    needs="a response with the media type of JSON",
    probes=("one_of_each",),
)
def json_is_strict(traffic: Traffic, tally: Tally) -> None:
    """Judge each body with the media type of JSON."""
    for exchange in traffic.with_response:
        is_json = exchange.media_type == "application/json" or exchange.media_type.endswith("+json")
        if not is_json or not exchange.body or exchange.length > len(exchange.body) or exchange.is_unread:
            continue
        tally.judged()
        if exchange.json is MISSING:
            message = (
                f"{exchange.summary} has the media type {exchange.media_type}, and its body {_json_flaw(exchange.body)}"
            )
            tally.found(message, exchange, once=exchange.operation)


# ---------------------------------------------------------------- recommended fields
@rule(
    "VID-RETRIEVE-009",
    "every other object has the recommended fields",
    needs="a response with such an object",
    probes=("other_objects",),
)
def objects_have_what_is_recommended(traffic: Traffic, tally: Tally) -> None:
    """Find objects without recommended fields. A Video has a requirement of its own."""
    for exchange in traffic.with_response:
        definition = traffic.contract.response(exchange.operation, exchange.status or 0) if exchange.operation else None
        schema = json_object(json_object((definition or {}).get("content")).get(exchange.media_type)).get("schema")
        if schema is None or exchange.json is MISSING:
            continue
        for place, absent in _recommended(traffic.contract, schema, exchange.json, "$"):
            tally.judged()
            if absent:
                message = f"{exchange.summary}: {place} has no {', '.join(absent)}"
                tally.found(message, exchange, once=(exchange.operation, *absent))


def _recommended(contract: Contract, schema: Any, value: Any, place: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the objects in a value that have recommended fields, each as its path and the fields that it lacks."""
    schema = json_object(contract.resolve(schema))
    for branch in branches(schema):
        yield from _recommended(contract, branch, value, place)
    for index, item in enumerate(json_array(value)):
        yield from _recommended(contract, schema.get("items"), item, f"{place}[{index}]")
    fields = json_object(value)
    if fields and "x-recommended" in schema and schema != contract.schema("Video"):
        yield place, [name for name in schema["x-recommended"] if name not in fields]
    for name, inner in json_object(schema.get("properties")).items():
        if name in fields:
            yield from _recommended(contract, inner, fields[name], f"{place}.{name}")


def _json_flaw(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 at byte {error.start}: {shown(body[error.start : error.start + 12])}"
    if text.startswith("\ufeff"):
        return "begins with a byte order mark"
    constant = re.search(r"[:\[,]\s*(-?Infinity|NaN)\b", text)
    return f"holds {constant[1]}" if constant is not None else f"is not JSON: {shown(text[:60])}"
