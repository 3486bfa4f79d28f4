"""Break requirements about API keys, idempotency, headers and load."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from openvideos_emulator._imitations.wrapping import PREFIX, Request, ServerResponse, error, named

from ._registry import KEY, OTHER_KEY, mutant

if TYPE_CHECKING:
    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CREATE = "create_video"
READS = {"retrieve_video", "list_videos", "download_video_content", "retrieve_character"}


def _authorized(request: Request, memory: Memory) -> Request:
    """Add the right API key, which was seen before, to a request."""
    return request.with_header("authorization", memory.get("key"))


async def _remembered(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send the right response, and remember the API key if it was accepted."""
    response = await ask(request)
    if response.status != 401 and request.header("authorization"):
        memory["key"] = request.header("authorization")
    return response


@mutant("VID-AUTH-001", along={"VID-AUTH-004": "the 409 of a job that goes on tells that the id exists"})
async def content_needs_no_key(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Send content without a key."""
    response = await _remembered(request, ask, memory)
    if request.operation == "download_video_content" and response.status == 401 and not request.header("authorization"):
        return await ask(_authorized(request, memory))
    return response


@mutant("VID-AUTH-001")
async def deletion_needs_no_key(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Delete without a key."""
    response = await _remembered(request, ask, memory)
    if request.operation == "delete_video" and response.status == 401 and not request.header("authorization"):
        return await ask(_authorized(request, memory))
    return response


@mutant("VID-AUTH-001")
async def no_key_is_forbidden(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Respond with 403 if there is no key."""
    response = await ask(request)
    return response.with_status(403) if response.status == 401 and not request.header("authorization") else response


@mutant(
    "VID-AUTH-002",
    along={
        "VID-AUTH-001": "a request with a wrong key is admitted",
        "VID-AUTH-003": "a key under another scheme is a wrong one",
    },
)
async def any_key_lists(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """List for any key."""
    response = await _remembered(request, ask, memory)
    if request.operation == "list_videos" and response.status == 401 and request.header("authorization"):
        return await ask(_authorized(request, memory))
    return response


@mutant(
    "VID-AUTH-002",
    along={
        "VID-AUTH-001": "a request with a wrong key is admitted",
        "VID-AUTH-007": "a remix starts a job, too",
    },
)
async def any_key_remixes(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Accept any key for a remix."""
    response = await _remembered(request, ask, memory)
    if request.operation == "remix_video" and response.status == 401 and request.header("authorization"):
        return await ask(_authorized(request, memory))
    return response


@mutant("VID-AUTH-003")
async def any_scheme_will_do(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Accept the key under any scheme, and as the password of Basic."""
    response = await _remembered(request, ask, memory)
    given = request.header("authorization") or ""
    key = (memory.get("key") or "").partition(" ")[2]
    basic = base64.b64encode(f":{key}".encode()).decode()
    is_meant = response.status == 401 and key and not given.lower().startswith("bearer")
    if is_meant and (key in given or basic[:8] in given or given.lower().startswith("basic")):
        return await ask(_authorized(request, memory))
    return response


@mutant(
    "VID-AUTH-004",
    along={
        "VID-AUTH-001": "a 404 without a key is no 401",
        "VID-AUTH-002": "a 404 for a wrong key is no 401",
        "VID-AUTH-003": "a key under another scheme is a wrong one",
    },
)
async def unknown_ids_need_no_key(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Tell clients without a key that an id is unknown."""
    response = await _remembered(request, ask, memory)
    if request.operation == "retrieve_video" and response.status == 401 and memory.get("key"):
        there = await ask(_authorized(request.at(f"/_emulator/jobs/{request.id}"), memory))
        if there.status == 404:
            return error(404, f"No video has the id {request.id}.", param="video_id", code="not_found")
    return response


@mutant("VID-AUTH-005")
async def refusals_name_no_scheme(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Omit WWW-Authenticate."""
    return (await ask(request)).with_header("www-authenticate", None)


@mutant("VID-AUTH-006")
async def the_scheme_has_a_capital(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse `bearer`."""
    given = request.header("authorization") or ""
    if given.startswith("bearer "):
        refused = error(401, "The API key is not valid.", code="invalid_api_key")
        return refused.with_header("www-authenticate", "Bearer")
    return await ask(request)


@mutant("VID-AUTH-007", along={"VID-VALID-013": "a create that was refused starts a job"})
async def unauthorized_requests_start_jobs(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Start a job before the API key is checked."""
    response = await _remembered(request, ask, memory)
    if request.operation == CREATE and response.status == 401:
        await ask(_authorized(request, memory))
    return response


@mutant("VID-IDEM-001", along={"VID-MODELS-003": "the emulator's account of itself claims that it honours keys"})
async def keys_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key."""
    return await ask(request.with_header("idempotency-key", None))


@mutant("VID-IDEM-002")
async def keys_hide_other_bodies(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Return a used key's job, whatever the body is."""
    key = request.header("idempotency-key")
    response = await ask(request)
    if request.operation == CREATE and key:
        if response.is_ok:
            memory[key] = response
        elif response.status == 409 and key in memory:
            return named(memory[key])
    return response


@mutant("VID-IDEM-002")
async def keys_are_those_of_a_prompt(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Return a used key's job, whatever is beside the prompt in the body."""
    key = request.operation == CREATE and request.header("idempotency-key")
    response = await ask(request)
    if key:
        known = (key, request.text("prompt"))
        if response.is_ok:
            memory[known] = response
        elif response.status == 409 and known in memory:
            return named(memory[known])
    return response


@mutant("VID-IDEM-003")
async def keys_are_remembered_late(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Start a job for each of several concurrent creates with one key."""
    key = request.header("idempotency-key")
    if request.operation != CREATE or not key:
        return await ask(request)
    memory[key] = memory.get(key, 0) + 1
    await asyncio.sleep(0.05)
    is_crowded = memory[key] > 1
    response = await ask(request.with_header("idempotency-key", None) if is_crowded else request)
    await asyncio.sleep(0.05)
    memory[key] -= 1
    return response


@mutant("VID-IDEM-004")
async def remixes_ignore_keys(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key on a remix."""
    if request.operation == "remix_video":
        request = request.with_header("idempotency-key", None)
    return await ask(request)


@mutant("VID-IDEM-005", along={"VID-CREATE-009": "two creates that are alike have one id"})
async def alike_is_the_same(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Return the earlier job to a create with the same body under another key."""
    if request.operation != CREATE or not request.header("idempotency-key") or "input_reference" in request.fields:
        return await ask(request)
    fields = tuple(sorted((name, str(value)) for name, value in request.fields.items()))
    alike = (request.header("authorization"), fields)
    if fields and alike in memory:
        first = await ask(request.at(f"{PREFIX}/videos/{memory[alike]}", "GET").with_body(b"", ""))
        if first.is_ok:
            return first
    response = await ask(request)
    if response.is_ok:
        memory[alike] = response.object["id"]
    return response


@mutant("VID-HEADER-001")
async def exchanges_have_no_name(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Omit x-request-id."""
    return (await ask(request)).with_header("x-request-id", None)


@mutant("VID-HEADER-002")
async def all_exchanges_have_one_name(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send one x-request-id for all."""
    return (await ask(request)).with_header("x-request-id", "req_1")


@mutant("VID-HEADER-003")
async def json_is_text(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Send JSON as text/plain."""
    response = await ask(request)
    is_meant = (response.header("content-type") or "").startswith("application/json")
    return response.with_header("content-type", "text/plain") if is_meant else response


@mutant("VID-HEADER-006")
async def head_is_not_allowed(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Refuse HEAD with 405, and say which methods the path has besides."""
    if request.method != "HEAD":
        return await ask(request)
    allow = (await ask(replace(request, method="TRACE"))).header("allow") or "GET"
    return error(405, "Use GET.").with_header("allow", allow.replace(", HEAD", ""))


@mutant("VID-HEADER-004")
async def ranges_are_offered_in_words(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Say Accept-Ranges: yes."""
    response = await ask(request)
    return response if response.header("accept-ranges") is None else response.with_header("accept-ranges", "yes")


@mutant("VID-HEADER-005", along={"VID-RETRIEVE-001": "its body is no JSON, in which there is no NaN"})
async def progress_is_no_number(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Report NaN as the progress of a job."""
    response = await ask(request)
    if request.operation == "retrieve_video" and response.object.get("status") in {"queued", "in_progress"}:
        return response.with_fields(progress=float("nan"))
    return response


@mutant("VID-ROBUST-005", along={"VID-RETRIEVE-002": "the id is not the one that was asked for"})
async def load_mixes_answers_up(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
    """Respond to a read with the response to another one if more than nine are concurrent."""
    if request.operation != "retrieve_video":
        return await ask(request)
    memory["running"] = memory.get("running", 0) + 1
    await asyncio.sleep(0.02)
    response = await ask(request)
    if memory["running"] > 9 and response.is_ok and "last" in memory:
        other = await ask(request.at(f"{PREFIX}/videos/{memory['last']}"))
        response = other if other.is_ok else response
    elif response.is_ok:
        memory["last"] = request.id
    memory["running"] -= 1
    return response


# ---------------------------------------------------------------- other callers
def _as_the_owner(request: Request) -> Request:
    """Return a request of another caller as one of the caller who has started the run's videos."""
    is_other = request.header("authorization") == f"Bearer {OTHER_KEY}"
    return request.with_header("authorization", f"Bearer {KEY}") if is_other else request


@mutant("VID-AUTH-008")
async def everybody_can_list(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """List the videos of all callers."""
    return await ask(_as_the_owner(request) if request.operation == "list_videos" else request)


@mutant("VID-AUTH-009")
async def everybody_can_retrieve(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Let each caller retrieve each video."""
    return await ask(_as_the_owner(request) if request.operation == "retrieve_video" else request)


@mutant("VID-AUTH-009")
async def everybody_can_download(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Let each caller download each video, once it has completed."""
    if request.operation == "download_video_content":
        response = await ask(_as_the_owner(request))
        if response.is_ok:
            return response
    return await ask(request)


@mutant("VID-AUTH-010")
async def everybody_can_delete(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Let each caller delete each video."""
    return await ask(_as_the_owner(request) if request.operation == "delete_video" else request)


@mutant("VID-AUTH-011")
async def everybody_can_remix(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Let each caller remix each video."""
    return await ask(_as_the_owner(request) if request.operation == "remix_video" else request)


@mutant("VID-IDEM-006")
async def edits_ignore_keys(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key on an edit."""
    return await ask(request.with_header("idempotency-key", None) if request.operation == "edit_video" else request)


@mutant("VID-IDEM-006")
async def extensions_ignore_keys(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Ignore Idempotency-Key on an extension."""
    return await ask(request.with_header("idempotency-key", None) if request.operation == "extend_video" else request)


@mutant("VID-IDEM-007")
async def keys_are_everybodys(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Return the job that another caller has started with the same Idempotency-Key."""
    has_key = request.operation == CREATE and request.header("idempotency-key") is not None
    return await ask(_as_the_owner(request) if has_key else request)
