"""Break requirements about errors and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from openvideos_emulator._imitations.wrapping import (
    FORM,
    JSON,
    PREFIX,
    Request,
    ServerResponse,
    as_object,
    as_text,
    error,
    named,
)

from ._reading import with_videos
from ._registry import mutant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CREATE = "create_video"
_WRONG_TYPE: Final = "invalid_type"
BAD = {400, 422}


@mutant("VID-ERROR-001", along={"VID-ERROR-002": "the 404 of an unknown path has no envelope either"})
async def errors_are_details(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send errors in the form of a framework: {"detail": …}."""
    response = await ask(request)
    if response.status >= 400:
        return response.with_json({"detail": response.object.get("error", {}).get("message", "")})
    return response


@mutant("VID-ERROR-001", along={"VID-ERROR-002": "the 404 of an unknown path has no envelope either"})
async def errors_have_numbers(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the status as the code of an error."""
    response = await ask(request)
    if response.status >= 400:
        return response.with_fields(error={**response.object["error"], "code": response.status})
    return response


@mutant("VID-ERROR-001", along={"VID-ERROR-002": "the 404 of an unknown path has no envelope either"})
async def errors_have_no_param(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave param out of errors."""
    response = await ask(request)
    if response.status >= 400:
        return response.with_json({"error": {k: v for k, v in response.object["error"].items() if k != "param"}})
    return response


@mutant("VID-ERROR-002", along={"VID-ERROR-001": "a page is no error envelope"})
async def unknown_paths_are_pages(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to an unknown path with a page."""
    response = await ask(request)
    if response.status == 404 and request.operation is None:
        return named(ServerResponse(404, [("content-type", "text/html")], b"<h1>Not Found</h1>"))
    return response


@mutant("VID-ERROR-003")
async def unknown_methods_are_not_found(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a method that a path does not have with 404."""
    response = await ask(request)
    return response.with_status(404) if response.status == 405 else response


@mutant("VID-ERROR-004")
async def unknown_methods_allow_nothing(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Omit Allow."""
    return (await ask(request)).with_header("allow", None)


@mutant("VID-ERROR-005", along={"VID-LIST-012": "a 500 refuses nothing"})
async def bad_limits_crash(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Fail on a limit that is not a number."""
    limit = request.parameter("limit")
    if request.operation == "list_videos" and limit is not None and not limit.lstrip("-").isdecimal():
        return error(500, "The server failed.")
    return await ask(request)


@mutant("VID-ERROR-006")
async def errors_tell_the_key(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Repeat the Authorization header in each error."""
    response = await ask(request)
    if response.status >= 400:
        reported = {**response.object["error"], "message": f"Refused for {request.header('authorization')}."}
        return response.with_fields(error=reported)
    return response


@mutant("VID-ERROR-006")
async def errors_tell_the_stack(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send a stack trace in each 400."""
    response = await ask(request)
    if response.status == 400:
        trace = 'Traceback (most recent call last):\n  File "/srv/app.py", line 12, in create\nValueError: no'
        return response.with_fields(error={**response.object["error"], "message": trace})
    return response


@mutant("VID-ERROR-007")
async def errors_name_no_field(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave param null."""
    response = await ask(request)
    if response.status >= 400:
        return response.with_fields(error={**response.object["error"], "param": None})
    return response


@mutant("VID-ERROR-008", along={"VID-ERROR-007": "the param is that of another field"})
async def errors_name_another_field(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Always name the model as the wrong parameter."""
    response = await ask(request)
    if response.status in BAD and response.object["error"]["param"]:
        return response.with_fields(error={**response.object["error"], "param": "model"})
    return response


@mutant("VID-ERROR-009", along={"VID-CREATE-001": "a create must return 200"})
async def accepted_jobs_are_202(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send 202 instead of 200 for a job that was accepted."""
    response = await ask(request)
    return response.with_status(202) if request.operation == CREATE and response.is_ok else response


@mutant("VID-ERROR-010")
async def busy_servers_do_not_say_for_how_long(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to one retrieve with 429, without Retry-After."""
    memory["count"] = memory.get("count", 0) + (request.operation == "retrieve_video")
    if request.operation == "retrieve_video" and memory["count"] == 2:
        return error(429, "Slow down.", code="rate_limit_exceeded")
    return await ask(request)


Mend = Callable[[dict[str, Any], str], dict[str, Any] | None]
"""Corrects the fields of a request whose field of this name was refused; None if it leaves them as they are."""


def _mended(
    requirement: str, name: str, what: str, mend: Mend, *, code: str = "", along: Mapping[str, str] | None = None
) -> None:
    """Register a server that silently corrects bad fields, those that were refused with the error code, if it is given.

    It corrects fields alone: what cannot be read as fields stays refused.
    """

    async def mending(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        response = await ask(request)
        refusal = _of_error(response)
        refused = str(refusal.get("param") or "").partition(".")[0]
        is_meant = refusal.get("code") == code if code else refusal.get("code") != _WRONG_TYPE
        if request.operation == CREATE and response.status in BAD and refused and is_meant:
            fields = mend(_plain(request), refused)
            if fields is not None:
                return await ask(request.with_fields(fields))
        return response

    mending.__name__, mending.__doc__ = name, what
    mutant(requirement, along=along)(mending)


def _plain(request: Request) -> dict[str, Any]:
    """Return the fields with the texts of a form as texts."""
    return {name: value if as_text(value) is None else as_text(value) for name, value in request.fields.items()}


def _without(name: str) -> Mend:
    return lambda fields, refused: {key: fields[key] for key in fields if key != name} if refused == name else None


_mended(
    "VID-VALID-001", "a_prompt_is_not_needed", "Make a video of nothing.",
    lambda fields, _: None if "prompt" in fields else {**fields, "prompt": "Anything"},
)  # fmt: skip
_mended(
    "VID-VALID-002", "an_empty_prompt_will_do", "Make a video of an empty prompt.",
    lambda fields, _: {**fields, "prompt": "Anything"} if fields.get("prompt") == "" else None,
)  # fmt: skip
_mended(
    "VID-VALID-003", "long_prompts_are_cut", "Cut a prompt that is too long.",
    lambda fields, name: {**fields, "prompt": str(fields["prompt"])[:32_000]} if name == "prompt" in fields else None,
)  # fmt: skip
_mended("VID-VALID-004", "bad_sizes_are_dropped", "Take the default for a bad size.", _without("size"))
_mended("VID-VALID-005", "bad_seconds_are_dropped", "Take the default for bad seconds.", _without("seconds"))
_mended(
    "VID-VALID-006", "types_are_guessed", "Make a text of each value.",
    lambda fields, name: None if name == "input_reference" else {**fields, name: _text(name, fields[name])},
    code=_WRONG_TYPE,
    along={"VID-VALID-014": "a generated value of the wrong type is made a text, too"},
)  # fmt: skip
_mended(
    "VID-VALID-007", "bad_references_are_ignored", "Drop an image reference that is not one.",
    lambda fields, name: _without("input_reference")(fields, name) if isinstance(fields.get(name), dict) else None,
    along={
        "VID-CREATE-016": "the URL of an image that is none is dropped, too",
        "VID-VALID-006": "an object of another shape is a reference that is not one",
    },
)  # fmt: skip


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return {"size": "64x48", "seconds": "1"}.get(name) or json.dumps(value)


async def _substitute(request: Request, ask: Handler) -> ServerResponse:
    body = json.dumps({"prompt": "A guess", "size": "64x48", "seconds": "1"}).encode()
    return await ask(request.with_body(body, JSON))


@mutant("VID-VALID-008", along={"VID-ROBUST-002": "JSON that is not UTF-8 is no JSON, either"})
async def broken_json_will_do(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make a video of a body that is not JSON."""
    if request.operation == CREATE and request.media_type == JSON and request.body:
        try:
            json.loads(request.body)
        except RecursionError:
            pass  # it is JSON that is nested deeply
        except ValueError:
            return await _substitute(request, ask)
    return await ask(request)


@mutant("VID-VALID-009")
async def cut_forms_will_do(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make a video of a form that is cut, or has no boundary."""
    response = await ask(request)
    is_whole = request.body.rstrip().endswith(b"--") and "boundary=" in (request.header("content-type") or "")
    if request.operation != CREATE or request.media_type != FORM or not request.body:
        return response
    if response.status in BAD and not is_whole:
        return await _substitute(request, ask)
    return response


@mutant("VID-VALID-010")
async def plain_text_is_a_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a body of any other type for a prompt."""
    response = await ask(request)
    if request.operation == CREATE and request.media_type not in {FORM, JSON, ""} and response.status == 415:
        return await _substitute(request, ask)
    return response


@mutant("VID-VALID-011")
async def other_types_are_bad_requests(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse with 400 a body of another type."""
    response = await ask(request)
    return response.with_status(400) if response.status == 415 else response


@mutant("VID-VALID-012")
async def no_body_will_do(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make a video without a body."""
    if request.operation == CREATE and not request.body:
        return await _substitute(request, ask)
    return await ask(request)


@mutant("VID-VALID-013")
async def refused_creates_start_jobs(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Start a job, but refuse the create."""
    response = await ask(request)
    if request.operation == CREATE and response.status in BAD:
        prompt = request.text("prompt") or "A refused video"
        body = json.dumps({"prompt": prompt[:1000], "size": "64x48", "seconds": "1"}).encode()
        await ask(request.with_header("idempotency-key", None).with_body(body, JSON))
    return response


@mutant("VID-VALID-014")
async def short_prompts_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse a create whose prompt has fewer than three characters before the mark of the run."""
    if request.operation == CREATE and 0 < len((request.text("prompt") or "").partition(" [run ")[0]) < 3:
        return error(400, "prompt is too short.", param="prompt")
    return await ask(request)


@mutant("VID-ROBUST-001", along={"VID-ERROR-005": "a 500 is a server error"})
async def odd_ids_crash(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Fail on an id with a percent sign in its path."""
    if request.path.startswith(f"{PREFIX}/videos/") and "%" in request.path:
        return error(500, "The server failed.")
    return await ask(request)


@mutant("VID-ROBUST-002")
async def deep_json_crashes(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Fail on JSON that is nested deep."""
    if request.media_type == JSON and request.body.count(b"[") + request.body.count(b"{") > 500:
        return error(500, "The server failed.")
    return await ask(request)


@mutant("VID-ROBUST-002", along={"VID-VALID-014": "a body that is no object is taken"})
async def json_of_any_kind_will_do(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make a video of JSON that is not an object."""
    if (
        request.operation == CREATE
        and request.media_type == JSON
        and request.body[:1] in {b"[", b'"', b"n", b"1", b"4", b"t"}
    ):
        return await _substitute(request, ask)
    return await ask(request)


@mutant("VID-ROBUST-003", along={"VID-ERROR-005": "a 500 is a server error"})
async def repeated_parameters_crash(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Fail on a parameter that is given twice."""
    names = [name for name, _ in request.query]
    if len(names) > len(set(names)):
        return error(500, "The server failed.")
    return await ask(request)


@mutant("VID-ROBUST-004", along={"VID-ROBUST-002": "the hostile body is the first to get a 500"})
async def the_server_breaks_down(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to everything with 500 once deeply nested JSON was received."""
    if request.media_type == JSON and request.body.count(b"[") + request.body.count(b"{") > 500:
        memory["is_broken"] = True
    if memory.get("is_broken"):
        return error(500, "The server failed.")
    return await ask(request)


@mutant("VID-ERROR-011")
async def no_json_is_a_missing_field(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Say of a body that is not JSON that it has no prompt."""
    response = await ask(request)
    if _of_error(response).get("code") == "invalid_json":
        return error(response.status, "The prompt is missing.", param="prompt", code="missing_required_parameter")
    return response


@mutant("VID-ERROR-012")
async def codes_are_statuses(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send the status as the code of an error."""
    response = await ask(request)
    found = _of_error(response)
    is_refusal = bool(found) and not response.is_ok  # a failed job has an error, too
    return response.with_json({"error": {**found, "code": str(response.status)}}) if is_refusal else response


@mutant("VID-ROBUST-006")
async def videos_name_their_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report the path of the file of each video."""
    return await with_videos(request, ask, lambda video: {**video, "file_path": f"outputs/{video['id']}.mp4"})


@mutant("VID-ROBUST-006")
async def errors_name_a_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Name the file that is not there yet in a 409."""
    response = await ask(request)
    if request.operation == "download_video_content" and response.status == 409:
        return error(409, f"No such file: '/srv/videos/{request.id}.mp4'", param="video_id", code="video_not_ready")
    return response


def _of_error(response: ServerResponse) -> dict[str, Any]:
    return as_object(response.object.get("error"))
