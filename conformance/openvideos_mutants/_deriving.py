"""Break requirements about remixes, edits, extensions and characters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openvideos_emulator._imitations.wrapping import FORM, JSON, Request, ServerResponse, as_object, error

from ._registry import RETRIEVE_DIFFERS, mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

REMIX, EDIT, EXTEND = "remix_video", "edit_video", "extend_video"
CHARACTER = "create_character"
NOT_READY = 409


async def _job(request: Request, ask: Handler, **fields: Any) -> ServerResponse:
    """Start a plain job instead of the requested one."""
    create = request.at("/v1/videos", "POST").with_header("idempotency-key", None)
    body = json.dumps({"prompt": "A substitute", "size": "64x48", "seconds": "1", **fields}).encode()
    return await ask(create.with_body(body, JSON))


async def _remixed(request: Request, ask: Handler) -> ServerResponse:
    """Start a plain job instead of a remix, with its prompt, and name the source of the remix in the response."""
    started = await _job(request, ask, prompt=request.text("prompt"))
    return started.with_fields(remixed_from_video_id=request.id) if started.is_ok else started


@mutant("VID-REMIX-001", along={"VID-ERROR-009": "the contract gives a remix no 201"})
async def remix_answers_201(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a remix with 201."""
    response = await ask(request)
    return response.with_status(201) if request.operation == REMIX and response.is_ok else response


@mutant(
    "VID-REMIX-001",
    along=dict.fromkeys(
        [
            *("VID-CREATE-009", "VID-CREATE-014", "VID-DELETE-007", "VID-LIFE-001", "VID-LIFE-002", "VID-LIFE-003"),
            *("VID-LIFE-005", "VID-LIFE-008", "VID-LIST-011", "VID-REMIX-002", "VID-REMIX-003"),
        ],
        "the id is that of the source, of which other things are true than of the remix",
    ),
)
async def remix_answers_its_source(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to a remix with the id of its source."""
    response = await ask(request)
    return response.with_fields(id=request.id) if request.operation == REMIX and response.is_ok else response


@mutant("VID-REMIX-002", along={"VID-LIFE-013": "a list tells the source"})
async def remixes_forget_their_source(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave remixed_from_video_id null."""
    response = await ask(request)
    if request.operation in {REMIX, "retrieve_video"} and response.is_ok:
        return response.with_fields(remixed_from_video_id=None)
    return response


@mutant("VID-REMIX-002", along=RETRIEVE_DIFFERS)
async def remixes_name_themselves(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Name the remix itself as its source."""
    response = await ask(request)
    if request.operation == REMIX and response.is_ok:
        return response.with_fields(remixed_from_video_id=response.object["id"])
    return response


@mutant("VID-REMIX-003", along=RETRIEVE_DIFFERS)
async def remixes_have_another_size(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix at 1280x720, whatever the source's size is."""
    response = await ask(request)
    return response.with_fields(size="1280x720") if request.operation == REMIX and response.is_ok else response


@mutant("VID-REMIX-003", along=RETRIEVE_DIFFERS)
async def remixes_have_the_old_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report the source's prompt as that of the remix."""
    response = await ask(request)
    if request.operation == REMIX and response.is_ok:
        source = await ask(request.at(f"/_emulator/jobs/{request.id}", "GET"))
        return response.with_fields(prompt=source.object["prompt"])
    return response


@mutant("VID-REMIX-003", along={**RETRIEVE_DIFFERS, "VID-LIFE-015": "the duration is that of the file"})
async def remixes_last_longer(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix for twelve seconds, whatever the source's are."""
    response = await ask(request)
    return response.with_fields(seconds="12") if request.operation == REMIX and response.is_ok else response


@mutant("VID-REMIX-004", along={"VID-LIFE-005": "the prompt of the source changes"})
async def remixing_changes_the_source(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Give the source the prompt of its remix."""
    response = await ask(request)
    if request.operation == REMIX and response.is_ok:
        memory[request.id] = response.object["prompt"]
    if request.operation == "retrieve_video" and response.is_ok and request.id in memory:
        return response.with_fields(prompt=memory[request.id])
    return response


@mutant("VID-REMIX-005", along={**RETRIEVE_DIFFERS, "VID-REMIX-002": "a retrieve tells no source"})
async def unfinished_jobs_are_remixed(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix a job that is not completed."""
    response = await ask(request)
    return await _remixed(request, ask) if request.operation == REMIX and response.status == NOT_READY else response


@mutant("VID-REMIX-006")
async def unfinished_jobs_are_not_found(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 404 to the remix of a job that is not completed."""
    response = await ask(request)
    return response.with_status(404) if request.operation == REMIX and response.status == NOT_READY else response


@mutant(
    "VID-REMIX-007",
    along={
        **RETRIEVE_DIFFERS,
        "VID-AUTH-011": "a video of another caller is unknown",
        "VID-DELETE-003": "a video that was deleted is unknown",
        "VID-REMIX-002": "a retrieve tells no source",
    },
)
async def unknown_videos_are_remixed(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix an id that is unknown."""
    response = await ask(request)
    return await _remixed(request, ask) if request.operation == REMIX and response.status == 404 else response


@mutant("VID-REMIX-007", along={"VID-DELETE-003": "a video that was deleted is unknown"})
async def unknown_remixes_are_bad_requests(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 400 to the remix of an id that is unknown."""
    response = await ask(request)
    return response.with_status(400) if request.operation == REMIX and response.status == 404 else response


@mutant("VID-REMIX-008")
async def remixes_need_no_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix without a prompt, or with an empty one."""
    if request.operation == REMIX and request.media_type == JSON and not request.fields.get("prompt"):
        request = request.with_fields({"prompt": "The same again"})
    return await ask(request)


@mutant("VID-REMIX-008")
async def remixes_take_any_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Remix with a number as the prompt, or one that is too long."""
    prompt = request.fields.get("prompt") if request.operation == REMIX else None
    if prompt is not None and (not isinstance(prompt, str) or len(prompt) > 32_000):
        request = request.with_fields({"prompt": str(prompt)[:100] or "x"})
    return await ask(request)


@mutant("VID-EDIT-001", along=dict.fromkeys(("VID-EDIT-002", "VID-ERROR-009"), "the contract gives an edit no 202"))
async def edit_answers_202(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond to an edit with 202."""
    response = await ask(request)
    return response.with_status(202) if request.operation == EDIT and response.is_ok else response


@mutant("VID-EDIT-001", along=RETRIEVE_DIFFERS)
async def edits_forget_the_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report another prompt than that of the edit."""
    response = await ask(request)
    return response.with_fields(prompt="An edit") if request.operation == EDIT and response.is_ok else response


@mutant("VID-EDIT-002")
async def edits_take_no_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse to edit an uploaded file."""
    if request.operation == EDIT and request.media_type == FORM and "video" in request.fields:
        return error(415, "Send application/json.")
    return await ask(request)


@mutant("VID-EDIT-003", along={"VID-AUTH-011": "a video of another caller is unknown"})
async def anything_is_edited(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Edit what is not known, and what is not completed."""
    response = await ask(request)
    prompt = request.text("prompt")
    return (
        await _job(request, ask, prompt=prompt)
        if request.operation == EDIT and response.status in {404, 409}
        else response
    )


@mutant("VID-EDIT-004")
async def edits_need_no_prompt(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Edit without a prompt, or with an empty one."""
    if request.operation == EDIT and request.media_type == JSON and not request.fields.get("prompt"):
        request = request.with_fields({**request.fields, "prompt": "Something"})
    return await ask(request)


@mutant("VID-EDIT-005")
async def edits_by_form_need_a_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse to edit a video that a form names."""
    if request.operation == EDIT and "video[id]" in request.fields:
        return error(400, "video is missing.", param="video")
    return await ask(request)


@mutant("VID-EXTEND-001")
async def extend_answers_no_time(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave created_at out of the response to an extension."""
    response = await ask(request)
    return response.without("created_at") if request.operation == EXTEND and response.is_ok else response


@mutant("VID-EXTEND-002", along={**RETRIEVE_DIFFERS, "VID-LIFE-015": "the duration is that of the file"})
async def extensions_tell_what_was_added(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report only the seconds that were added."""
    response = await ask(request)
    if request.operation == EXTEND and response.is_ok:
        return response.with_fields(seconds=request.text("seconds"))
    return response


@mutant(
    "VID-EXTEND-003",
    along={"VID-AUTH-011": "a video of another caller is unknown", "VID-EXTEND-002": "what is not there has no length"},
)
async def anything_is_extended(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Extend what is not known, and what is not completed."""
    response = await ask(request)
    prompt = request.text("prompt")
    return (
        await _job(request, ask, prompt=prompt)
        if request.operation == EXTEND and response.status in {404, 409}
        else response
    )


@mutant("VID-EXTEND-004")
async def extensions_need_no_seconds(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Extend by a second if the duration is missing."""
    if request.operation == EXTEND and request.media_type == JSON and "seconds" not in request.fields:
        request = request.with_fields({**request.fields, "seconds": "1"})
    return await ask(request)


@mutant("VID-EXTEND-005")
async def extensions_by_form_need_a_file(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse to extend a video that a form names."""
    if request.operation == EXTEND and "video[id]" in request.fields:
        return error(400, "video is missing.", param="video")
    return await ask(request)


@mutant("VID-CHAR-001", along={"VID-CHAR-002": "a retrieve returns the name that was sent"})
async def characters_lose_their_name(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Call each new character Ada."""
    response = await ask(request)
    return response.with_fields(name="Nobody") if request.operation == CHARACTER and response.is_ok else response


@mutant("VID-CHAR-002")
async def characters_are_renamed(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report another name when a character is retrieved."""
    response = await ask(request)
    is_meant = request.operation == "retrieve_character" and response.is_ok
    return response.with_fields(name=response.object["name"].swapcase()) if is_meant else response


@mutant("VID-CHAR-003")
async def everybody_is_a_character(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take each unknown id for a character."""
    response = await ask(request)
    if request.operation == "retrieve_character" and response.status == 404:
        name = (request.steps or ("", ""))[1]
        return response.with_json(
            {"id": name, "object": "character", "created_at": 1_800_000_000, "name": "Nobody"}, 200
        )
    return response


@mutant("VID-CHAR-004")
async def characters_need_no_name(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Store a character without a name, or with an empty one."""
    if request.operation == CHARACTER and request.media_type == FORM and not request.text("name"):
        request = request.with_fields({**request.fields, "name": "Nameless"})
    return await ask(request)


@mutant("VID-CONTENT-002")
async def extensions_have_the_file_of_their_source(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send the source of an extension as its content."""
    response = await ask(request)
    if request.operation == EXTEND and response.is_ok:
        memory[response.object["id"]] = as_object(request.fields.get("video")).get("id")
    elif request.operation == "download_video_content" and response.is_ok and memory.get(request.id):
        return await ask(request.at(f"/v1/videos/{memory[request.id]}/content"))
    return response
