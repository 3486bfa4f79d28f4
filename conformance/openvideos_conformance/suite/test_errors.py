"""Check that errors have the right status and the error envelope, and contain no secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._core.exchange import json_object
from .._core.operations import capability_of
from .._core.outcomes import NotReachedError
from .._inputs.invalid import field_names, named
from .._judging.assertions import expect, shown, violated
from .._probes.unauthorized_requests import other_schemes
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._probes.invalid_requests import InvalidRequests
    from .._server.capabilities import Capabilities
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_ERROR = "#/components/schemas/ErrorResponse"
_BAD = 400
_NOT_ALLOWED = 405
_TRACE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\bFile \\?\"[^\"]+\.py\\?\", line \d+"
    r"|\bat [\w.$<>]+\([\w.]+\.(?:java|kt|scala):\d+\)"
    r"|\bat .{1,80}\(?(?:file://)?/[^\s)]+\.[cm]?[jt]s:\d+:\d+\)?"
    r"|\bgoroutine \d+ \["
    r"|\bpanicked at "
    r"|\bin /[^\s:]+\.rb:\d+",
)
"""The beginnings of stack traces in the languages of servers."""


@checks("VID-ERROR-001", jobs=("json",))
def test_errors_have_the_envelope(
    client: RecordingClient, jobs: JobPool, invalid_requests: InvalidRequests, contract: Contract
) -> None:
    refused = [exchange for _, exchange in invalid_requests.all()]
    for exchange in [*refused, *_unknown_paths(client, jobs)]:
        if (exchange.status or 0) >= _BAD:
            _has_envelope(exchange, contract)


@checks("VID-ERROR-002")
def test_an_unknown_path_is_a_404(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    for exchange in _unknown_paths(client, jobs):
        expect(exchange, 404, f"{exchange.method} {exchange.path}, which the API does not have")
        _has_envelope(exchange, contract)


@checks("VID-ERROR-003")
def test_a_method_that_a_path_does_not_have_is_a_405(
    client: RecordingClient, jobs: JobPool, offered: Capabilities, contract: Contract
) -> None:
    for _, exchange in _wrong_methods(client, jobs, offered, contract):
        what = f"{exchange.method} {exchange.path}, a method that the path does not have"
        _has_envelope(expect(exchange, _NOT_ALLOWED, what), contract)


@checks("VID-ERROR-004")
def test_a_405_names_the_methods_of_the_path(
    client: RecordingClient, jobs: JobPool, offered: Capabilities, contract: Contract
) -> None:
    sent = list(_wrong_methods(client, jobs, offered, contract))
    refused = [(template, exchange) for template, exchange in sent if exchange.status == _NOT_ALLOWED]
    for template, exchange in refused:
        allow = exchange.header("allow")
        methods = {each.strip().upper() for each in (allow or "").split(",")}
        missing = contract.methods(template) - methods
        if missing:
            raise violated(
                f"the 405 of {exchange.method} {exchange.path} has the Allow {shown(allow)}, "
                f"without {', '.join(sorted(missing))}",
                exchange,
            )
    if not refused:
        raise NotReachedError("no request returned 405", *[exchange for _, exchange in sent[:1]])


@checks("VID-ERROR-006", phase=Phase.CLOSING)
def test_errors_contain_no_secret(client: RecordingClient) -> None:
    key = client.target.api_key
    for value in other_schemes(key).values() if key else ():
        client.get("/videos", authorization=value)
    client.get("/videos", query={"limit": "ten"})
    client.post("/videos", content=b"{", headers={"content-type": "application/json"})
    errors = [exchange for exchange in client.history if (exchange.status or 0) >= _BAD]
    for exchange in errors:
        text = exchange.body.decode("utf-8", "replace")
        headers = "".join(f"{name}: {value}\n" for name, value in exchange.headers)
        if key and len(key) > 7 and (key in text or key in headers):  # noqa: PLR2004 - a shorter key may be a word
            raise violated(
                f"the error {exchange.status} of {exchange.method} {exchange.path} contains the API key", exchange
            )
        trace = _TRACE.search(text)
        if trace is not None:
            raise violated(
                f"the error {exchange.status} of {exchange.method} {exchange.path} "
                f"contains a stack trace: {trace[0][:80]!r}",
                exchange,
            )
    if not errors:
        raise NotReachedError("no request returned an error")


@checks("VID-ERROR-007", phase=Phase.LATE, jobs=("json",))
def test_the_param_of_an_error_names_what_is_wrong(invalid_requests: InvalidRequests) -> None:
    for what, wrong, exchange in _params(invalid_requests):
        param = _param(exchange)
        if not named(param, wrong):
            raise violated(
                f"{what}: the param of the error is {shown(param)}, but the wrong field is {_or(wrong)}", exchange
            )


@checks("VID-ERROR-008", phase=Phase.LATE, jobs=("json",))
def test_the_param_of_an_error_names_nothing_else(invalid_requests: InvalidRequests, contract: Contract) -> None:
    fields = field_names(contract)
    for what, wrong, exchange in _params(invalid_requests):
        other = named(_param(exchange), fields) - wrong
        if other and not named(_param(exchange), wrong):
            raise violated(
                f"{what}: the param of the error is {shown(_param(exchange))}, which is right; "
                f"the wrong field is {_or(wrong)}",
                exchange,
            )


def _params(invalid_requests: InvalidRequests) -> Iterator[tuple[str, frozenset[str], Exchange]]:
    """Yield the refusals of requests with one wrong field: a description, the names of the field, the exchange."""
    seen = 0
    for case, exchange in invalid_requests.all():
        if case.wrong:
            seen += 1
            yield case.what, case.wrong, exchange
    if not seen:
        raise NotReachedError("no request with exactly one wrong field was refused")


def _param(exchange: Exchange) -> object:
    return json_object(exchange.object.get("error")).get("param")


def _or(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))


def _has_envelope(exchange: Exchange, contract: Contract) -> None:
    flaws = contract.flaws(exchange.json, _ERROR) if exchange.object else ["the body is not a JSON object"]
    if flaws:
        raise violated(
            f"the {exchange.status} of {exchange.method} {exchange.path[:80]} has no error envelope: {flaws[0]}",
            exchange,
        )


def _unknown_paths(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    path = jobs["plain"].path
    return [
        client.get("/openvideos-no-such-path"),
        client.get(f"{path}/openvideos-no-such-path"),
        client.get(f"{path}/content/openvideos-no-such-path"),
        client.post("/openvideos-no-such-path", json={}),
    ]


def _wrong_methods(
    client: RecordingClient, jobs: JobPool, offered: Capabilities, contract: Contract
) -> Iterator[tuple[str, Exchange]]:
    """Send harmless methods that paths do not have; yield the template of each path and the exchange.

    GET is not sent to /videos/edits and the like, since servers may read that as retrieving a video with that id.
    """
    for template in dict.fromkeys(operation.path for operation in contract.operations):
        if "{character_id}" in template or not _is_offered(template, offered, contract):
            continue
        path = template.replace("/videos/{video_id}", jobs["plain"].path)
        wrong = {"PUT", "PATCH", "GET", "POST"} if path != template else {"PUT", "PATCH"}
        for method in sorted(wrong - contract.methods(template)):
            yield template, client.get(path) if method == "GET" else client.send(method, path, json={})


def _is_offered(template: str, offered: Capabilities, contract: Contract) -> bool:
    for operation in contract.operations:
        if operation.path == template and not offered.has(capability_of(operation.id)):
            return False
    return True
