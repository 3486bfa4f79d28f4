"""Depart from the envelope of errors, and from the API's paths and methods."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from .departure import Departure, departure, refused
from .wrapping import Request, ServerResponse, as_object, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from .departure import Memory
    from .wrapping import Handler

UNKNOWN_PATH: Final = "unknown_path"
UNKNOWN_METHOD: Final = "method_not_allowed"
_CODES: Final = {404: UNKNOWN_PATH, 405: UNKNOWN_METHOD}


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase


def _told(response: ServerResponse) -> dict[str, Any]:
    """Return what the contract's envelope holds; empty if the response has none."""
    return as_object(response.object.get("error")) if response.status >= 400 and "id" not in response.object else {}


def _enveloped(name: str, what: str, change: Callable[[ServerResponse, dict[str, Any]], ServerResponse]) -> Departure:
    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        response = await ask(request)
        told = _told(response)
        return change(response, told) if told else response

    return Departure(name, what, depart)


errors_are_details: Final = _enveloped(
    "errors_are_details",
    'Send errors as {"detail": TEXT}.',
    lambda response, told: response.with_json({"detail": told["message"]}),
)

errors_have_integer_codes: Final = _enveloped(
    "errors_have_integer_codes",
    "Send the HTTP status, a number, as an error's code, and its name as the type.",
    lambda response, told: response.with_json(
        {
            "error": {
                "message": told["message"],
                "type": _reason(response.status),
                "param": told.get("param"),
                "code": response.status,
            }
        }
    ),
)

errors_have_statuses_as_codes: Final = _enveloped(
    "errors_have_statuses_as_codes",
    "Send the HTTP status, as a text, as an error's code.",
    lambda response, told: response.with_json({"error": {**told, "code": str(response.status)}}),
)

errors_lack_param_and_code: Final = _enveloped(
    "errors_lack_param_and_code",
    "Send errors without param and code.",
    lambda response, told: response.with_json({"error": {"message": told["message"], "type": told["type"]}}),
)

errors_are_flat: Final = _enveloped(
    "errors_are_flat",
    "Send errors without an envelope, as an object whose code is the HTTP status.",
    lambda response, told: response.with_json(
        {
            "object": "error",
            "message": told["message"],
            "type": f"{_reason(response.status).title().replace(' ', '')}Error",
            "param": None,
            "code": response.status,
        }
    ),
)

errors_have_another_frame: Final = _enveloped(
    "errors_have_another_frame",
    "Send errors with the status beside the envelope, and a message alone in it.",
    lambda response, told: response.with_json(
        {
            "is_bifrost_error": False,
            "status_code": response.status,
            "error": {"message": told["message"]},
            "extra_fields": {},
        }
    ),
)


def invalid_requests_are_lists(*params: str) -> Departure:
    """Refuse what is invalid with a 422 whose detail is a list, as FastAPI does: in these fields, or in all."""

    def change(response: ServerResponse, told: dict[str, Any]) -> ServerResponse:
        param = told.get("param")
        if response.status != 400 or not param or (params and param not in params):
            return response
        return response.with_json({"detail": [{"type": "value_error", "loc": [param], "msg": told["message"]}]}, 422)

    where = " and ".join(params) or "a field"
    return _enveloped(
        "invalid_requests_are_lists", f"Refuse a wrong value of {where} with a 422 whose detail is a list.", change
    )


@departure
async def unknown_paths_are_the_frameworks(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the framework's own errors for an unknown path or method, and one method alone in Allow."""
    response = await ask(request)
    code = _told(response).get("code")
    if code not in {UNKNOWN_PATH, UNKNOWN_METHOD}:
        return response
    allowed = response.header("allow") or ""
    if allowed:
        response = response.with_header("allow", next(each for each in ("POST", "GET", "DELETE") if each in allowed))
    return response.with_json({"detail": _reason(response.status)})


def operations_are_missing(**statuses: int) -> Departure:
    """Have no such operations: their paths are unknown (404), or have other methods (405)."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        status = statuses.get(request.operation or "")
        if status is None:
            return await ask(request)
        refusal = error(status, "There is no such path.", code=_CODES[status])
        return refusal.with_header("allow", "GET") if status == 405 else refusal

    return Departure("operations_are_missing", f"Offer no {', '.join(sorted(statuses))}.", depart)


@departure
async def discovery_is_missing(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take the path of the list of models for that of a video."""
    if request.operation != "list_models":
        return await ask(request)
    return await refused(request, ask, error(404, "Video not found", code="not_found"))


@departure
async def head_is_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse HEAD with a 405."""
    if request.method != "HEAD" or request.steps is None:
        return await ask(request)
    return error(405, "HEAD is not allowed.", code=UNKNOWN_METHOD).with_header("allow", "GET")


@departure
async def responses_lack_request_ids(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send no x-request-id."""
    return (await ask(request)).with_header("x-request-id", None)


@departure
async def responses_lack_the_poll_interval(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send no openai-poll-after-ms."""
    return (await ask(request)).with_header("openai-poll-after-ms", None)


def errors_become(name: str, what: str, statuses: dict[str, int], *operations: str) -> Departure:
    """Send other statuses for the emulator's codes of errors, in these operations or in all."""

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        response = await ask(request)
        status = statuses.get(_told(response).get("code") or "")
        if status is None or (operations and request.operation not in operations):
            return response
        return response.with_status(status)

    return Departure(name, what, depart)


def content_comes_too_early_with(status: int) -> Departure:
    """Refuse the content of a job that runs with this status."""
    what = f"Refuse the content of a job that runs with a {status}."
    return errors_become("content_comes_too_early", what, {"video_not_ready": status}, "download_video_content")


def content_of_a_failed_job_is(status: int) -> Departure:
    """Refuse the content of a failed job with this status."""
    what = f"Refuse the content of a failed job with a {status}."
    return errors_become("content_of_a_failed_job", what, {"video_failed": status}, "download_video_content")
