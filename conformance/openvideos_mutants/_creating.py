"""Break what is promised of creating."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ._registry import mutant
from ._wrapping import FORM, JSON, Answer, Request, error

if TYPE_CHECKING:
    from ._registry import Memory
    from ._wrapping import Handler

CREATE = "create_video"


@mutant("VID-CREATE-001")
async def create_without_a_model(request: Request, ask: Handler, _: Memory) -> Answer:
    """Leave the model out of the answer of a create."""
    answer = await ask(request)
    return answer.without("model") if request.operation == CREATE and answer.is_ok else answer


@mutant("VID-CREATE-001")
async def create_answers_201(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer a create with 201."""
    answer = await ask(request)
    return answer.with_status(201) if request.operation == CREATE and answer.is_ok else answer


@mutant("VID-CREATE-002")
async def create_takes_json_alone(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse forms."""
    if request.operation == CREATE and request.media_type == FORM:
        return error(415, "Send application/json.")
    return await ask(request)


@mutant("VID-CREATE-003")
async def json_create_answers_202(request: Request, ask: Handler, _: Memory) -> Answer:
    """Answer a JSON create with 202 where a form is answered 200."""
    answer = await ask(request)
    is_meant = request.operation == CREATE and request.media_type == JSON and answer.is_ok
    return answer.with_status(202) if is_meant else answer


@mutant("VID-CREATE-003")
async def json_create_forgets_the_size(request: Request, ask: Handler, _: Memory) -> Answer:
    """Ignore the size of a JSON create."""
    if request.operation == CREATE and request.media_type == JSON and request.text("size"):
        request = request.with_fields({name: value for name, value in request.fields.items() if name != "size"})
    return await ask(request)


@mutant("VID-CREATE-004")
async def create_garbles_the_prompt(request: Request, ask: Handler, _: Memory) -> Answer:
    """Lose all but ASCII of a prompt."""
    answer = await ask(request)
    if request.operation == CREATE and isinstance(answer.object.get("prompt"), str):
        return answer.with_fields(prompt=answer.object["prompt"].encode("ascii", "replace").decode())
    return answer


@mutant("VID-CREATE-004")
async def create_trims_the_prompt(request: Request, ask: Handler, _: Memory) -> Answer:
    """Cut a prompt to 60 characters."""
    answer = await ask(request)
    if request.operation == CREATE and isinstance(answer.object.get("prompt"), str):
        return answer.with_fields(prompt=answer.object["prompt"][:60])
    return answer


@mutant("VID-CREATE-005")
async def create_turns_the_picture(request: Request, ask: Handler, _: Memory) -> Answer:
    """Swap width and height in the answer of a create."""
    answer = await ask(request)
    size = answer.object.get("size")
    if request.operation == CREATE and isinstance(size, str):
        return answer.with_fields(size="x".join(reversed(size.split("x"))))
    return answer


@mutant("VID-CREATE-006")
async def create_answers_other_seconds(request: Request, ask: Handler, _: Memory) -> Answer:
    """Tell a second more than was asked for."""
    answer = await ask(request)
    if request.operation == CREATE and answer.is_ok:
        return answer.with_fields(seconds=str(int(answer.object["seconds"]) + 1))
    return answer


@mutant("VID-CREATE-007")
async def create_swaps_the_model(request: Request, ask: Handler, _: Memory) -> Answer:
    """Tell another model than was asked for."""
    answer = await ask(request)
    is_meant = request.operation == CREATE and answer.is_ok and request.text("model") is not None
    return answer.with_fields(model="sora-2-mini") if is_meant else answer


@mutant("VID-CREATE-008")
async def create_defaults_to_two_seconds(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take two seconds as the default duration."""
    if request.operation == CREATE and "seconds" not in request.fields and request.fields:
        request = request.with_fields({**request.fields, "seconds": "2"})
    return await ask(request)


@mutant("VID-CREATE-008")
async def create_defaults_to_landscape(request: Request, ask: Handler, _: Memory) -> Answer:
    """Take 1280x720 as the default size."""
    if request.operation == CREATE and "size" not in request.fields and request.fields:
        request = request.with_fields({**request.fields, "size": "1280x720"})
    return await ask(request)


@mutant("VID-CREATE-009")
async def creates_at_once_share_an_id(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Answer creates that come at the same time with one job."""
    if request.operation != CREATE:
        return await ask(request)
    memory["running"] = memory.get("running", 0) + 1
    await asyncio.sleep(0.05)
    if memory["running"] > 1 and memory.get("last") is not None:
        memory["running"] -= 1
        last: Answer = memory["last"]
        return last
    answer = await ask(request)
    if answer.is_ok:
        memory["last"] = answer
    memory["running"] -= 1
    return answer


@mutant("VID-CREATE-010")
async def a_new_job_is_unknown_at_first(request: Request, ask: Handler, memory: Memory) -> Answer:
    """Answer the first retrieve of each job with 404."""
    seen: set[str] = memory.setdefault("seen", set())
    if request.operation == "retrieve_video" and request.id not in seen:
        seen.add(request.id)
        return error(404, f"No video has the id {request.id}.", param="video_id", code="not_found")
    return await ask(request)


@mutant("VID-CREATE-011")
async def the_longest_prompt_counts_bytes(request: Request, ask: Handler, _: Memory) -> Answer:
    """Count the bytes of a prompt, not its characters."""
    prompt = request.text("prompt") if request.operation == CREATE else None
    if prompt is not None and len(prompt.encode()) > 32_000 >= len(prompt):
        return error(400, "prompt is too long.", param="prompt")
    return await ask(request)


@mutant("VID-CREATE-012")
async def references_are_too_large(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse each image with 413."""
    if request.operation == CREATE and "input_reference" in request.fields and request.media_type == FORM:
        return error(413, "The image is too large.")
    return await ask(request)


@mutant("VID-CREATE-013")
async def bad_references_are_dropped(request: Request, ask: Handler, _: Memory) -> Answer:
    """Drop an image that cannot be read, and go on without it."""
    answer = await ask(request)
    if request.operation == CREATE and "input_reference" in request.fields and answer.status in {400, 415, 422}:
        fields = {name: value for name, value in request.fields.items() if name != "input_reference"}
        return await ask(request.with_fields(fields))
    return answer


@mutant("VID-CREATE-014")
async def a_new_job_is_a_remix(request: Request, ask: Handler, _: Memory) -> Answer:
    """Say that a new job is a remix of itself."""
    answer = await ask(request)
    if request.operation in {CREATE, "retrieve_video"} and answer.is_ok:
        return answer.with_fields(remixed_from_video_id=answer.object["id"])
    return answer


@mutant("VID-CREATE-015")
async def unknown_fields_are_refused(request: Request, ask: Handler, _: Memory) -> Answer:
    """Refuse a create with a field that is not known."""
    known = {"prompt", "model", "seconds", "size", "input_reference"}
    if request.operation == CREATE and request.fields.keys() - known:
        return error(400, "There is an unknown field.", param=min(request.fields.keys() - known))
    return await ask(request)
