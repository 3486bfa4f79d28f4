"""Check that errors have the right status and the error envelope, and contain no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.exchange import json_object
from .._core.flaws import told
from .._core.outcomes import NotReachedError
from .._inputs.invalid import field_names, named
from .._judging.assertions import expect, shown, violated
from .._probes.harmless_requests import unknown_paths
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._probes.invalid_requests import InvalidRequests
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_ERROR = "#/components/schemas/ErrorResponse"
_BAD = 400
_NOT_ALLOWED = 405


@checks("VID-ERROR-002")
def test_an_unknown_path_is_a_404(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    for exchange in unknown_paths(client, jobs):
        expect(exchange, 404, f"{exchange.method} {exchange.path}, which the API does not have")
        _has_envelope(exchange, contract)


@checks("VID-ERROR-003")
def test_a_method_that_a_path_does_not_have_is_a_405(wrong_methods: list[Exchange]) -> None:
    for exchange in wrong_methods:
        what = f"{exchange.method} {exchange.path}, a method that the path does not have"
        expect(exchange, _NOT_ALLOWED, what)


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


@checks("VID-ERROR-011", jobs=("json",))
def test_a_body_that_is_no_json_lacks_no_field(invalid_requests: InvalidRequests, contract: Contract) -> None:
    seen = 0
    for case, exchange in invalid_requests.all():
        if case.requirement == "VID-VALID-008":
            seen += 1
            code, param = json_object(exchange.object.get("error")).get("code"), _param(exchange)
            if code == "missing_required_parameter" or named(param, field_names(contract)):
                raise violated(
                    f"{case.what}: the error has the code {shown(code)} and the param {shown(param)}, as if a field "
                    "were wrong",
                    exchange,
                )
    if not seen:
        raise NotReachedError("no body that is not JSON was refused")


def _params(invalid_requests: InvalidRequests) -> Iterator[tuple[str, frozenset[str], Exchange]]:
    """Yield the refusals of requests with one wrong field: a description, the names of the field, the exchange.

    An error without the envelope has no param to be judged.
    """
    seen = 0
    for case, exchange in invalid_requests.all():
        if case.wrong and "param" in json_object(exchange.object.get("error")):
            seen += 1
            yield case.what, case.wrong, exchange
    if not seen:
        raise NotReachedError("no request with exactly one wrong field was refused with a param in the envelope")


def _param(exchange: Exchange) -> object:
    return json_object(exchange.object.get("error")).get("param")


def _or(names: frozenset[str]) -> str:
    return " or ".join(sorted(names))


def _has_envelope(exchange: Exchange, contract: Contract) -> None:
    flaws = contract.flaws(exchange.json, _ERROR) if exchange.object else ["the body is not a JSON object"]
    if flaws:
        what = f"the {exchange.status} of {exchange.method} {exchange.path[:80]}"
        raise violated(
            f"{what} has no error envelope: {told(flaws, most=1)}",
            exchange,
        )
