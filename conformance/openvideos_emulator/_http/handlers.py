"""Handle each operation of the contract: pass the validated fields to the engine, and build the response.

A method of `Operations` has the name of its operation's `operationId`. None of them blocks the event loop: the engine's
calls run in one thread, in order; files are validated, rendered and read in other threads.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import anyio.to_thread

from .._contract import Contract, contract, control
from .._engine.idempotency import IdempotentRequest
from .._media.library import Variant
from .._model.jobs import Recipe, Sampling
from .._model.refusals import Reason, RefusalError, invalid, shown
from .responses import JsonResponse, character_json, deleted_json, media_response, page_json, video_json
from .upload_probe import read_clip, reference_source, references_source
from .validation import Fields, Upload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.responses import Response

    from .._engine.engine import Engine
    from .._engine.snapshot import Snapshot

_ATTEMPTS: Final = 3  # a file may be removed before it is opened, when a job with the same recipe is deleted
_ORDERS: Final = ("desc", "asc")
_SAMPLING: Final = tuple(field.name for field in fields(Sampling))
_PAGE: Final = 20  # videos on a page, if neither the request nor the contract gives a limit
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One validated request. `is_read` is false for HEAD, whose response shows no status, so that it is not a poll."""

    parameters: Fields
    body: Fields
    idempotent: IdempotentRequest | None
    is_read: bool


Handler: TypeAlias = "Callable[[Call], Awaitable[Response]]"


class Operations:
    """The handlers of the contract's operations, for one engine."""

    def __init__(self, engine: Engine) -> None:
        """Serve this engine."""
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        # What a request leaves to the server is as in a seeded job; so is the model of a job from an uploaded file.
        seeded = control().schema_at("#/components/schemas/Seed")["properties"]
        self._claim = {
            "revision": contract().schema_at("#/info")["version"],
            "profiles": [*contract().schema_at("#/x-profiles")],
            "extensions": ["sampling", "references"],
        }
        self.defaults: Fields = {name: seeded[name]["default"] for name in ("model", "size", "seconds")}

    def close(self) -> None:
        """Wait until the engine's last call has returned."""
        self._thread.shutdown(wait=True)

    async def create_video(self, call: Call) -> Response:
        """Start a job."""
        body, profile = {**self.defaults, **call.body}, self._engine.profile
        profile.check_size(body["size"])
        sampling = Sampling(**{name: body[name] for name in _SAMPLING if name in body})
        seconds = profile.check_seconds(body["seconds"]) if sampling.num_frames is None else 0
        image, images = body.get("input_reference"), body.get("references")
        source = await anyio.to_thread.run_sync(lambda: reference_source(image) or references_source(images))
        recipe = Recipe(body["prompt"], body["model"], body["size"], seconds, source, sampling)
        if sampling.num_frames is not None:
            recipe = replace(recipe, seconds=profile.check_duration(recipe.duration, param="num_frames"))
        profile.check_clip(recipe, param="fps" if sampling.num_frames is None else "num_frames")
        return _started(await self._run(lambda: self._engine.create(recipe, idempotent=call.idempotent)))

    async def list_models(self, _: Call) -> Response:
        """Tell what the emulator offers: all of the contract, and any model."""
        profile = self._engine.profile
        models = [
            {
                "id": name,
                "object": "model",
                "is_default": name == self.defaults["model"],
                "sizes": sorted(profile.sizes) or None,
                "seconds": [str(each) for each in sorted(profile.seconds)] or None,
                "parameters": ["input_reference", *_SAMPLING, "references"],
            }
            for name in contract().schema_at("#/components/schemas/VideoModel")["x-known-values"]
        ]
        return JsonResponse({"object": "list", "contract": self._claim, "data": models})

    async def list_videos(self, call: Call) -> Response:
        """Return a page of jobs."""
        after, limit, order = (call.parameters.get(name) for name in ("after", "limit", "order"))
        ascending = _supported("order", order or _ORDERS[0], _ORDERS) == _ORDERS[1]
        page = await self._run(
            lambda: self._engine.page(
                after=after,
                limit=_PAGE if limit is None else int(limit),
                ascending=ascending,
                counted=call.is_read,
            )
        )
        return JsonResponse(page_json(page))

    async def retrieve_video(self, call: Call) -> Response:
        """Return a job's current state."""
        video_id = call.parameters["video_id"]
        snapshot = await self._run(lambda: self._engine.retrieve(video_id, counted=call.is_read))
        hint = snapshot.poll_after_ms
        headers = {} if hint is None else {"openai-poll-after-ms": str(hint)}
        return JsonResponse(video_json(snapshot), headers=headers)

    async def delete_video(self, call: Call) -> Response:
        """Delete a job."""
        video_id = call.parameters["video_id"]
        await self._run(lambda: self._engine.delete(video_id))
        return JsonResponse(deleted_json(video_id))

    async def download_video_content(self, call: Call) -> Response:
        """Send a file of a job, or the requested range of it."""
        video_id = call.parameters["video_id"]
        variant = Variant(
            _supported("variant", call.parameters.get("variant", Variant.VIDEO.value), (each.value for each in Variant))
        )
        for _ in range(_ATTEMPTS):
            future = await self._run(lambda: self._engine.request_content(video_id, variant))
            # Shielded: other requests may wait for the same file when this client disconnects.
            await asyncio.shield(asyncio.wrap_future(future))
            media = await anyio.to_thread.run_sync(self._engine.open_content, video_id, variant)
            if media is not None:
                # Range is defined for GET alone (RFC 9110, section 14.2).
                range_header = call.parameters.get("Range") if call.is_read else None
                return media_response(media, range_header=range_header, if_range=call.parameters.get("If-Range"))
        raise RuntimeError(f"the {variant.value} of {video_id} was deleted {_ATTEMPTS} times while it was rendered")

    async def remix_video(self, call: Call) -> Response:
        """Start a job from a completed one, with another prompt."""
        video_id, prompt = call.parameters["video_id"], call.body["prompt"]
        return _started(await self._run(lambda: self._engine.remix(video_id, prompt, idempotent=call.idempotent)))

    async def edit_video(self, call: Call) -> Response:
        """Start a job that changes a completed one, or an uploaded video."""
        prompt, source = call.body["prompt"], call.body["video"]
        if not isinstance(source, Upload):
            return _started(
                await self._run(lambda: self._engine.edit(source["id"], prompt, idempotent=call.idempotent))
            )
        return await self._start_from(source, prompt, call)

    async def extend_video(self, call: Call) -> Response:
        """Start a job that extends a completed one, or an uploaded video."""
        prompt, source = call.body["prompt"], call.body["video"]
        seconds = self._engine.profile.check_seconds(call.body["seconds"])
        if not isinstance(source, Upload):
            id_ = source["id"]
            return _started(
                await self._run(lambda: self._engine.extend(id_, prompt, seconds, idempotent=call.idempotent))
            )
        return await self._start_from(source, prompt, call, more_seconds=seconds)

    async def create_character(self, call: Call) -> Response:
        """Store a character."""
        upload: Upload = call.body["video"]
        await anyio.to_thread.run_sync(read_clip, upload)
        name = call.body["name"]
        character = await self._run(
            lambda: self._engine.create_character(name, upload.digest, idempotent=call.idempotent)
        )
        return JsonResponse(character_json(character))

    async def retrieve_character(self, call: Call) -> Response:
        """Return a character."""
        character_id = call.parameters["character_id"]
        return JsonResponse(character_json(await self._run(lambda: self._engine.character(character_id))))

    async def _start_from(self, source: Upload, prompt: str, call: Call, *, more_seconds: int = 0) -> Response:
        clip = await anyio.to_thread.run_sync(read_clip, source)
        profile = self._engine.profile
        profile.check_size(clip.size, param="video")
        seconds = profile.check_total(clip.seconds + more_seconds, param="seconds" if more_seconds else "video")
        recipe = Recipe(prompt, str(self.defaults["model"]), clip.size, seconds, f"{more_seconds} {source.digest}")
        return _started(await self._run(lambda: self._engine.create(recipe, idempotent=call.idempotent)))

    async def _run(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def handlers_of(operations: object, contract: Contract) -> dict[str, Any]:
    """Return the handler of each operation of a contract, by its id; without a method, the handler refuses (501)."""
    return {each.id: getattr(operations, each.id, None) or _not_implemented(each.id) for each in contract.operations}


def _not_implemented(operation_id: str) -> Handler:
    async def refuse(_call: Call) -> Response:
        raise RefusalError(
            Reason.NOT_IMPLEMENTED,
            f"{operation_id} is in the contract, but the emulator does not offer it.",
            code="not_implemented",
        )

    return refuse


def _supported(parameter: str, value: str, supported: Iterable[str]) -> str:
    """Return a parameter's value if the emulator supports it.

    Raises:
        RefusalError: The contract allows the value, but the emulator does not support it yet.
    """
    values = list(supported)
    if value not in values:
        raise invalid(
            f"{parameter} is {shown(value)}, which is not offered here; use {', '.join(values)}.", param=parameter
        )
    return value


def _started(snapshot: Snapshot) -> Response:
    return JsonResponse(video_json(snapshot))
