"""Break requirements about discovery and the extensions `sampling` and `references`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from openvideos_emulator._imitations.wrapping import Request, ServerResponse, as_object, error

from ._registry import mutant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openvideos_emulator._imitations.wrapping import Handler

    from ._registry import Memory

CREATE = "create_video"
SAMPLED = ("seed", "fps", "num_frames")
SAMPLING = ("seed", "negative_prompt", "fps", "num_frames")


@mutant("VID-MODELS-001")
async def models_do_not_say_which_is_the_default(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave is_default out."""
    return await _with_models(
        request, ask, lambda model: {key: value for key, value in model.items() if key != "is_default"}
    )


@mutant("VID-MODELS-002")
async def another_model_is_the_default(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Call the other model the default."""
    return await _with_models(request, ask, lambda model: {**model, "is_default": not model["is_default"]})


async def _with_models(
    request: Request, ask: Handler, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> ServerResponse:
    response = await ask(request)
    is_meant = request.operation == "list_models" and response.is_ok
    return response.with_fields(data=[change(each) for each in response.object["data"]]) if is_meant else response


@mutant("VID-MODELS-003")
async def remixes_are_claimed_and_not_there(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Claim all profiles, and have no remixes."""
    if request.operation == "remix_video" or request.path.endswith("/openvideos-no-such-route"):
        return error(404, "There is no such path.", code="unknown_path")
    return await ask(request)


@mutant("VID-REFS-001", along={"VID-MODELS-003": "the emulator's account of itself claims that references are offered"})
async def references_are_refused(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Offer references, and refuse each create that has some as files."""
    if request.operation == CREATE and any(name.startswith("references[") for name in request.fields):
        return error(422, "The images cannot be used.", param="references")
    return await ask(request)


@mutant("VID-REFS-002", along={"VID-VALID-014": "an empty role is ignored, too"})
async def roles_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a reference of any role for one of what the video is about."""
    if request.operation != CREATE or not isinstance(request.fields.get("references"), list):
        return await ask(request)
    images: list[Any] = request.fields["references"]
    same = [{**as_object(each), "role": "reference"} if as_object(each) else each for each in images]
    return await ask(request.with_fields({**request.fields, "references": same}))


@mutant("VID-SAMPLE-001")
async def the_seed_is_not_repeated(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Leave the seed null."""
    response = await ask(request)
    return response.with_fields(seed=None) if request.operation == CREATE and response.is_ok else response


@mutant("VID-SAMPLE-001")
async def a_seed_of_zero_is_none(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Take a seed of zero in JSON for none."""
    fields = request.fields
    if request.operation == CREATE and type(fields.get("seed")) is int and not fields["seed"]:
        request = request.with_fields({name: value for name, value in fields.items() if name != "seed"})
    return await ask(request)


@mutant("VID-SAMPLE-002")
async def frames_per_second_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make a clip of 24 frames per second, and report those of the request."""
    return await _changed(request, ask, {"fps": "24"})


@mutant("VID-SAMPLE-003")
async def half_of_the_frames_are_made(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Make half of the frames, and report those of the request."""
    frames = request.text("num_frames") or ""
    return await _changed(request, ask, {"num_frames": str(int(frames) // 2) if frames.isdecimal() else frames})


@mutant("VID-SAMPLE-004")
async def seeds_are_ignored(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Draw a seed for each job, and report that of the request."""
    return await _changed(request, ask, {"seed": str(secrets.randbelow(1 << 31))})


async def _changed(request: Request, ask: Handler, changes: Mapping[str, str]) -> ServerResponse:
    """Create another job than requested, whose first response hides it."""
    if request.operation != CREATE or not all((request.text(name) or "").isdecimal() for name in SAMPLED):
        return await ask(request)
    response = await ask(request.with_fields({**request.fields, **changes}))
    wanted: dict[str, Any] = {name: int(str(request.text(name))) for name in changes}
    return response.with_fields(**wanted) if response.is_ok else response


@mutant("VID-SAMPLE-005")
async def sampling_is_dropped(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Name references alone, and drop the fields of sampling without a word."""
    return await _dropping(request, ask, SAMPLING, offered="references")


@mutant("VID-SAMPLE-005")
async def references_are_dropped(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Name sampling alone, and drop references without a word."""
    return await _dropping(request, ask, ("references",), offered="sampling")


async def _dropping(request: Request, ask: Handler, dropped: tuple[str, ...], *, offered: str) -> ServerResponse:
    """Leave fields, and keys of them such as `references[first_frame]`, out of a create; claim one extension."""
    if request.operation == CREATE:
        kept = {name: value for name, value in request.fields.items() if name.partition("[")[0] not in dropped}
        if kept.keys() != request.fields.keys():
            return await ask(request.with_fields(kept))
    response = await ask(request)
    if request.operation != "list_models" or not response.is_ok:
        return response
    return response.with_fields(contract={**response.object["contract"], "extensions": [offered]})
