"""Break requirements of creating."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from openvideos_emulator._imitations.wrapping import FORM, JSON, PREFIX, Request, ServerResponse, as_object, error

from ._discovering import SAMPLING
from ._reading import with_videos
from ._registry import RETRIEVE_DIFFERS, mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CREATE = "create_video"
_SIZE = re.compile("[0-9]+x[0-9]+")
_REMIX_DIFFERS = {
    **RETRIEVE_DIFFERS,
    "VID-REMIX-003": "a remix has another value than the create of its source returned",
}


@mutant("VID-CREATE-001")
async def create_without_a_model(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the model out of the response to a create."""
    response = await ask(request)
    return response.without("model") if request.operation == CREATE and response.is_ok else response


@mutant("VID-CREATE-001", along={"VID-ERROR-009": "the contract gives a create no 201"})
async def create_answers_201(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a create with 201."""
    response = await ask(request)
    return response.with_status(201) if request.operation == CREATE and response.is_ok else response


@mutant(
    "VID-CREATE-002",
    along=dict.fromkeys(("VID-CREATE-011", "VID-CREATE-015", "VID-REFS-001"), "a create that is a form is refused"),
)
async def create_takes_json_alone(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse forms."""
    if request.operation == CREATE and request.media_type == FORM:
        without_body = await ask(request.with_body(b"", JSON))
        return without_body if without_body.status == 401 else error(415, "Send application/json.")
    return await ask(request)


@mutant(
    "VID-CREATE-003",
    along={"VID-CREATE-001": "a create must return 200", "VID-ERROR-009": "the contract gives a create no 202"},
)
async def json_create_answers_202(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 202 to a JSON create, and with 200 to a form."""
    response = await ask(request)
    is_meant = request.operation == CREATE and request.media_type == JSON and response.is_ok
    return response.with_status(202) if is_meant else response


@mutant("VID-CREATE-003", along={"VID-CREATE-005": "a JSON create has another size than was asked for"})
async def json_create_forgets_the_size(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore the size of a JSON create."""
    if request.operation == CREATE and request.media_type == JSON and _SIZE.fullmatch(request.text("size") or ""):
        request = request.with_fields({name: value for name, value in request.fields.items() if name != "size"})
    return await ask(request)


@mutant("VID-CREATE-004", along=RETRIEVE_DIFFERS)
async def create_garbles_the_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remove all characters but ASCII from a prompt."""
    response = await ask(request)
    if request.operation == CREATE and isinstance(response.object.get("prompt"), str):
        return response.with_fields(prompt=response.object["prompt"].encode("ascii", "replace").decode())
    return response


@mutant("VID-CREATE-004", along=RETRIEVE_DIFFERS)
async def create_trims_the_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Cut a prompt to 60 characters."""
    response = await ask(request)
    if request.operation == CREATE and isinstance(response.object.get("prompt"), str):
        return response.with_fields(prompt=response.object["prompt"][:60])
    return response


@mutant("VID-CREATE-005", along=_REMIX_DIFFERS)
async def create_turns_the_picture(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Swap width and height in the response to a create."""
    response = await ask(request)
    size = response.object.get("size")
    if request.operation == CREATE and isinstance(size, str):
        return response.with_fields(size="x".join(reversed(size.split("x"))))
    return response


@mutant(
    "VID-CREATE-006",
    along={
        **_REMIX_DIFFERS,
        "VID-EXTEND-002": "an extension is as long as its source was asked to be, and not as its create returned",
        "VID-LIFE-015": "the duration is not that of the seconds that the create returned",
    },
)
async def create_answers_other_seconds(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report a second more than was requested."""
    response = await ask(request)
    if request.operation == CREATE and response.is_ok:
        return response.with_fields(seconds=str(int(response.object["seconds"]) + 1))
    return response


@mutant("VID-CREATE-007", along=RETRIEVE_DIFFERS)
async def create_swaps_the_model(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report another model than was requested."""
    response = await ask(request)
    is_meant = request.operation == CREATE and response.is_ok and request.text("model") is not None
    return response.with_fields(model="sora-2-mini") if is_meant else response


@mutant("VID-CREATE-008")
async def create_does_not_say_how_long(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave seconds null unless the request named them."""
    return await _unnamed(request, ask, "seconds")


@mutant("VID-CREATE-008")
async def create_does_not_say_how_large(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the size null unless the request named it."""
    return await _unnamed(request, ask, "size")


async def _unnamed(request: Request, ask: Handler, field: str) -> ServerResponse:
    response = await ask(request)
    is_meant = request.operation == CREATE and response.is_ok and request.text(field) is None
    return response.with_fields(**{field: None}) if is_meant else response


@mutant(
    "VID-CREATE-009",
    along={
        "VID-CREATE-004": "the job of one create has the prompt of another",
        "VID-IDEM-003": "concurrent creates with one key have the jobs of others",
    },
)
async def creates_at_once_share_an_id(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to concurrent creates with one job."""
    if request.operation != CREATE:
        return await ask(request)
    memory["running"] = memory.get("running", 0) + 1
    await asyncio.sleep(0.05)
    response = await ask(request)
    caller = request.header("authorization")
    if memory["running"] > 1 and response.is_ok and caller in memory:
        last = await ask(request.at(f"{PREFIX}/videos/{memory[caller]}", "GET").with_body(b"", JSON))
        if last.is_ok:
            await ask(request.at(f"{PREFIX}/videos/{response.object['id']}", "DELETE").with_body(b"", JSON))
            response = last
    elif response.is_ok:
        memory[caller] = response.object["id"]
    memory["running"] -= 1
    return response


@mutant("VID-CREATE-010")
async def a_new_job_is_unknown_at_first(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to the first retrieve of each job with 404."""
    seen: set[str] = memory.setdefault("seen", set())
    response = await ask(request)
    if request.operation == "retrieve_video" and response.is_ok and request.id not in seen:
        seen.add(request.id)
        return error(404, f"No video has the id {request.id}.", param="video_id", code="not_found")
    return response


@mutant("VID-CREATE-011")
async def the_longest_prompt_counts_bytes(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Count the bytes of a prompt, not its characters."""
    prompt = request.text("prompt") if request.operation == CREATE else None
    if prompt is not None and len(prompt.encode("utf-8", "replace")) > 32_000 >= len(prompt):
        return error(400, "prompt is too long.", param="prompt")
    return await ask(request)


@mutant("VID-CREATE-012", along={"VID-CREATE-013": "a file that is no image gets the 413, too"})
async def references_are_too_large(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse each image with 413."""
    if request.operation == CREATE and "input_reference" in request.fields and request.media_type == FORM:
        return error(413, "The image is too large.")
    return await ask(request)


@mutant("VID-CREATE-013")
async def bad_references_are_dropped(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore an image that cannot be read."""
    response = await ask(request)
    has_file = request.operation == CREATE and request.media_type == FORM and "input_reference" in request.fields
    if has_file and response.status in {400, 415, 422}:
        fields = {name: value for name, value in request.fields.items() if name != "input_reference"}
        return await ask(request.with_fields(fields))
    return response


@mutant("VID-CREATE-016")
async def references_by_name_are_dropped(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore a reference in a form that is no file."""
    if request.operation == CREATE and request.media_type == FORM:
        used = {name: value for name, value in request.fields.items() if not name.startswith("input_reference[")}
        return await ask(request.with_fields(used) if len(used) + 1 == len(request.fields) else request)
    return await ask(request)


@mutant("VID-CREATE-014")
async def a_new_job_is_a_remix(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Say that each new job is a remix of the first one."""

    def change(video: dict[str, Any]) -> dict[str, Any]:
        if request.operation == CREATE:
            memory[video["id"]] = memory.setdefault("first", video["id"])
        return {**video, "remixed_from_video_id": memory.get(video["id"], video["remixed_from_video_id"])}

    return await with_videos(request, ask, change)


@mutant("VID-CREATE-015")
async def unknown_fields_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse a create with a field that is unknown."""
    known = {"prompt", "model", "seconds", "size", "input_reference", "references", *SAMPLING}
    unknown = {name for name in request.fields if name.partition("[")[0] not in known}
    if request.operation == CREATE and unknown:
        return error(400, "There is an unknown field.", param=min(unknown))
    return await ask(request)


@mutant(
    "VID-CREATE-016",
    along={
        "VID-ERROR-005": "a 500 is a server error",
        "VID-VALID-007": "a URL that must be refused gets the 500, too",
    },
)
async def an_image_url_is_a_server_error(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 500 to a JSON create with an image by its URL."""
    reference = as_object(request.fields.get("input_reference"))
    if request.operation == CREATE and request.media_type == JSON and [*reference] == ["image_url"]:
        return error(500, "It broke.", code="internal_error")
    return await ask(request)


@mutant("VID-CREATE-017")
async def json_creates_start_two_jobs(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Start a second job for each create as JSON, and return the first."""
    response = await ask(request)
    if request.operation == CREATE and request.media_type == JSON and response.is_ok:
        await ask(request.with_header("idempotency-key", None))
    return response
