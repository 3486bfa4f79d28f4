"""Depart from what a create may be: other media types, and values that the contract refuses."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from .departure import Departure, changed_videos, departure, refused
from .wrapping import FORM, JSON, Request, ServerResponse, as_text, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from .departure import Memory
    from .wrapping import Handler

CREATE: Final = "create_video"
URLENCODED: Final = "application/x-www-form-urlencoded"
_LONGEST: Final = 32_000
"""The characters of a prompt that the contract, and so the emulator, takes."""
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")


def _repaired(
    name: str, what: str, repair: Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
) -> Departure:
    """Take creates that the emulator refuses.

    `repair` takes the fields of a create; it returns those that the emulator gets in their place, and what the video
    shows in place of what the emulator makes of it.
    """

    async def depart(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
        if request.operation == CREATE and request.media_type in {FORM, JSON}:
            fields = request.fields
            given, shown = repair(fields)
            if given != fields:
                response = await ask(request.with_fields(given))
                if response.is_ok:
                    memory[response.object["id"]] = shown
                return changed_videos(request, response, lambda video: {**video, **shown})
        return changed_videos(request, await ask(request), lambda video: {**video, **memory.get(video["id"], {})})

    return Departure(name, what, depart)


def _long(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    prompt = as_text(fields.get("prompt"))
    if prompt is None or len(prompt) <= _LONGEST:
        return fields, {}
    return {**fields, "prompt": prompt[:_LONGEST]}, {"prompt": prompt}


def _lenient(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    given = dict(fields)
    seconds, size = as_text(fields.get("seconds")), as_text(fields.get("size"))
    if seconds is not None and re.fullmatch(r"\s*0{0,9}[1-9][0-9]{0,9}\s*", seconds):
        given["seconds"] = str(int(seconds))
    if size is not None and re.fullmatch(r"0{0,9}[1-9][0-9]{0,9}x0{0,9}[1-9][0-9]{0,9}", size):
        given["size"] = "x".join(str(int(side)) for side in size.split("x"))
    return (given, {}) if (given.get("seconds"), given.get("size")) != (seconds, size) else (fields, {})


def _any_size(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    size = as_text(fields.get("size"))
    if size is None or re.fullmatch(r"[1-9][0-9]{0,3}x[1-9][0-9]{0,3}", size):
        return fields, {}
    return {key: value for key, value in fields.items() if key != "size"}, {"size": ""}


def _any_seconds(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    told = fields.get("seconds")
    seconds = str(told) if isinstance(told, int) and not isinstance(told, bool) else as_text(told)
    if seconds is None or not _WHOLE.fullmatch(seconds.strip()):
        return fields, {}
    number = int(seconds.strip()[:20])
    given = {**fields, "seconds": str(min(max(number, 1), 60))}
    return (given, {"seconds": str(number)}) if given["seconds"] != told else (fields, {})


def _zero_seconds(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if as_text(fields.get("seconds")) != "0":
        return fields, {}
    return {key: value for key, value in fields.items() if key != "seconds"}, {}


def _empty_fields(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {key: value for key, value in fields.items() if key == "prompt" or as_text(value) != ""}, {}


def _number_as_prompt(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    prompt = fields.get("prompt")
    return ({**fields, "prompt": str(prompt)} if isinstance(prompt, int | float) else fields), {}


long_prompts_are_taken: Final = _repaired(
    "long_prompts_are_taken", "Take a prompt that is longer than the contract allows, and show it whole.", _long
)
numbers_are_read_leniently: Final = _repaired(
    "numbers_are_read_leniently", "Read a size with leading zeros, and seconds with blanks, as numbers.", _lenient
)
any_size_is_taken: Final = _repaired(
    "any_size_is_taken", "Take a size that is none for no size, and show an empty one.", _any_size
)
any_seconds_are_taken: Final = _repaired(
    "any_seconds_are_taken", "Take any whole number as seconds, also 0 and less, and show it.", _any_seconds
)
zero_seconds_are_the_default: Final = _repaired(
    "zero_seconds_are_the_default", "Take 0 seconds for the default of 4.", _zero_seconds
)
empty_fields_are_dropped: Final = _repaired(
    "empty_fields_are_dropped", "Take an empty size, or empty seconds, for none.", _empty_fields
)
numbers_are_prompts: Final = _repaired(
    "numbers_are_prompts", "Make a text of a prompt that is a number.", _number_as_prompt
)


@departure
async def json_is_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Read creates as forms alone: of JSON, each field is missing."""
    if request.operation != CREATE or request.media_type != JSON:
        return await ask(request)
    return await refused(request, ask, error(400, "Field required", param="prompt", code="missing"))


@departure
async def forms_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Read creates as JSON alone."""
    if request.operation != CREATE or request.media_type != FORM:
        return await ask(request)
    return await refused(request, ask, error(400, "The body is not JSON.", code="invalid_json"))


@departure
async def urlencoded_forms_are_taken(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a create whose body is urlencoded."""
    if request.operation != CREATE or request.media_type != URLENCODED:
        return await ask(request)
    fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return await ask(request.with_body(json.dumps(fields).encode(), JSON))


@departure
async def unread_bodies_are_missing_fields(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Call it a missing field if the body is neither JSON nor a form."""
    response = await ask(request)
    is_read = request.media_type == FORM or (request.media_type == JSON and request.fields)
    if request.operation == CREATE and response.status in {400, 415} and not is_read:
        return error(400, "Invalid request body: prompt: Field required", param="prompt", code="missing")
    return response


@departure
async def any_media_type_is_json(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Read a create of any media type as JSON."""
    if request.operation != CREATE or request.media_type in {FORM, JSON, URLENCODED} or not request.body:
        return await ask(request)
    return await ask(request.with_body(request.body, JSON))


@departure
async def cut_forms_are_read(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Read a form that is cut as far as its parts are whole, and start a job of the rest's defaults."""
    if request.operation != CREATE or request.media_type != FORM or request.body.rstrip().endswith(b"--"):
        return await ask(request)
    boundary = re.search(r'boundary="?([^";]+)', request.header("content-type") or "")
    if boundary is None:
        return await ask(request)
    delimiter = b"\r\n--" + boundary[1].encode("latin-1")
    whole, found, _rest = request.body.rpartition(delimiter)
    return await ask(
        request.with_body(whole + delimiter + b"--\r\n", request.header("content-type") or "") if found else request
    )


@departure
async def keys_of_repeats_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key, so that a create that is sent again starts a second job."""
    is_meant = request.header("idempotency-key") is not None
    return await ask(request.with_header("idempotency-key", None) if is_meant else request)


@departure
async def creates_need_a_model(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse a create that names no model."""
    if request.operation != CREATE or not request.fields or request.text("model") or not request.text("prompt"):
        return await ask(request)
    return await refused(request, ask, error(400, "Invalid model name passed in model=None.", param=None))


@departure
async def bodies_that_are_no_objects_break_it(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer JSON that is no object with a 500, and close the connection without saying so, as uvicorn does."""
    if request.method != "POST" or request.media_type != JSON or request.steps is None:
        return await ask(request)
    try:
        is_object = isinstance(json.loads(request.body), dict)
    except (ValueError, RecursionError):
        is_object = True  # which is not JSON, and is refused as that
    if is_object:
        return await ask(request)
    response = await refused(
        request, ask, ServerResponse(500, [("content-type", "text/plain; charset=utf-8")], b"Internal Server Error")
    )
    response.is_last = response.status == 500
    return response
