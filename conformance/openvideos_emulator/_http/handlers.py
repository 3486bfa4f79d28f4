"""Handle each operation of the contract: pass the validated fields to the engine, and build the response.

A method of `Operations` has the name of its operation's `operationId`. None of them blocks the event loop: the engine's
calls run in one thread, in order; files are validated, rendered and read in other threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import anyio.to_thread

from .._contract import Contract, contract, control
from .._engine.idempotency import IdempotentRequest
from .._media.library import Variant
from .._model.jobs import Recipe, Sampling
from .._model.refusals import Reason, RefusalError, invalid, shown, stale
from .media_urls import MediaUrls
from .responses import JsonResponse, character_json, deleted_json, media_response, page_json, video_json
from .upload_probe import read_clip, reference_source, references_source
from .validation import Fields, Upload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from concurrent.futures import Future

    from starlette.responses import Response

    from .._engine.engine import Engine
    from .._engine.snapshot import Snapshot
    from .._model.fault_plan import Fault, Target

_ATTEMPTS: Final = 3  # a file may be removed before it is opened, when a job with the same recipe is deleted
_ORDERS: Final = ("desc", "asc")
_SAMPLING: Final = tuple(field.name for field in fields(Sampling))
_PAGE: Final = 20  # videos on a page, if neither the request nor the contract gives a limit
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One validated request. `is_read` is false for HEAD, whose response shows no status, so that it is not a poll.

    `origin` is where the client reached the server, such as `http://127.0.0.1:8000`.
    """

    parameters: Fields
    body: Fields
    idempotent: IdempotentRequest | None
    is_read: bool
    origin: str


Handler: TypeAlias = "Callable[[Call], Awaitable[Response]]"


class Operations:
    """The handlers of the contract's operations, for one engine."""

    def __init__(self, engine: Engine) -> None:
        """Serve this engine."""
        self._engine = engine
        self.urls = MediaUrls(engine.url_secret)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        # One file at a time, since it may take much memory, and those that wait take no thread from other requests.
        self._prober = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probe")
        # What a request leaves to the server is as in a seeded job; so is the model of a job from an uploaded file.
        seeded = control().schema_at("#/components/schemas/Seed")["properties"]
        self._claim = {
            "revision": contract().revision,
            "profiles": [*contract().schema_at("#/x-profiles")],
            "extensions": ["sampling", "references"],
        }
        self.defaults: Fields = {name: seeded[name]["default"] for name in ("model", "size", "seconds")}

    def close(self) -> None:
        """Wait until the engine's last call has returned."""
        self._prober.shutdown(wait=True, cancel_futures=True)
        self._thread.shutdown(wait=True)

    async def take_fault(self, target: Target) -> Fault | None:
        """Return the planned fault that happens to a request, and count it as used once; None if there is none."""
        return await self._run(lambda: self._engine.take_fault(target))

    async def prompt_of(self, video_id: str) -> str | None:
        """Return the prompt of a job; None if there is no such job."""
        with contextlib.suppress(RefusalError):
            return (await self._run(lambda: self._engine.retrieve(video_id, counted=False))).job.recipe.prompt
        return None

    async def create_video(self, call: Call) -> Response:
        """Start a job."""
        body, profile = {**self.defaults, **call.body}, self._engine.profile
        profile.check_size(body["size"])
        sampling = Sampling(**{name: body[name] for name in _SAMPLING if name in body})
        seconds = profile.check_seconds(body["seconds"]) if sampling.num_frames is None else 0
        image, images = body.get("input_reference"), body.get("references")
        source = ""
        if image is not None or images is not None:  # no other create waits for the pictures of others
            source = await self._probe(lambda: reference_source(image) or references_source(images))
        recipe = Recipe(body["prompt"], body["model"], body["size"], seconds, source, sampling)
        if sampling.num_frames is not None:
            recipe = replace(recipe, seconds=profile.check_duration(recipe.duration, param="num_frames"))
        profile.check_clip(recipe, param="fps" if sampling.num_frames is None else "num_frames")
        return await self._start(call, lambda: self._engine.create(recipe, idempotent=call.idempotent))

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
        data = [self._video(snapshot, call) for snapshot in page.snapshots]
        return JsonResponse(page_json(data, has_more=page.has_more))

    async def retrieve_video(self, call: Call) -> Response:
        """Return a job's current state."""
        video_id = call.parameters["video_id"]
        snapshot = await self._run(lambda: self._engine.retrieve(video_id, counted=call.is_read))
        hint = snapshot.poll_after_ms
        headers = {} if hint is None else {"openai-poll-after-ms": str(hint)}
        return JsonResponse(self._video(snapshot, call), headers=headers)

    async def delete_video(self, call: Call) -> Response:
        """Delete a job."""
        video_id = call.parameters["video_id"]
        await self._run(lambda: self._engine.delete(video_id))
        return JsonResponse(deleted_json(video_id))

    async def download_video_content(self, call: Call) -> Response:
        """Send a file of a job, or the requested range of it."""
        variant = Variant(
            _supported("variant", call.parameters.get("variant", Variant.VIDEO.value), (each.value for each in Variant))
        )
        # Range is defined for GET alone (RFC 9110, section 14.2).
        range_header = call.parameters.get("Range") if call.is_read else None
        if_range = call.parameters.get("If-Range")
        return await self.content(call.parameters["video_id"], variant, range_header=range_header, if_range=if_range)

    async def content(
        self, video_id: str, variant: Variant, *, range_header: str | None, if_range: str | None
    ) -> Response:
        """Send a file of a job, or the range of it that these headers ask for."""
        for _ in range(_ATTEMPTS):
            future = await self._run(lambda: self._engine.request_content(video_id, variant))
            await _rendered(future)
            media = await anyio.to_thread.run_sync(self._engine.open_content, video_id, variant)
            if media is not None:
                return media_response(media, range_header=range_header, if_range=if_range)
        raise RuntimeError(f"the {variant.value} of {video_id} was deleted {_ATTEMPTS} times while it was rendered")

    async def remix_video(self, call: Call) -> Response:
        """Start a job from a completed one, with another prompt."""
        video_id, prompt = call.parameters["video_id"], call.body["prompt"]
        return await self._start(call, lambda: self._engine.remix(video_id, prompt, idempotent=call.idempotent))

    async def edit_video(self, call: Call) -> Response:
        """Start a job that changes a completed one, or an uploaded video."""
        prompt, source = call.body["prompt"], call.body["video"]
        if not isinstance(source, Upload):
            id_ = source["id"]
            return await self._start(call, lambda: self._engine.edit(id_, prompt, idempotent=call.idempotent))
        return await self._start_from(source, prompt, call)

    async def extend_video(self, call: Call) -> Response:
        """Start a job that extends a completed one, or an uploaded video."""
        prompt, source = call.body["prompt"], call.body["video"]
        seconds = self._engine.profile.check_seconds(call.body["seconds"])
        if not isinstance(source, Upload):
            id_ = source["id"]
            return await self._start(
                call, lambda: self._engine.extend(id_, prompt, seconds, idempotent=call.idempotent)
            )
        return await self._start_from(source, prompt, call, more_seconds=seconds)

    async def create_character(self, call: Call) -> Response:
        """Store a character."""
        upload: Upload = call.body["video"]
        await self._probe(lambda: read_clip(upload))
        name = call.body["name"]
        character = await self._run(
            lambda: self._engine.characters.create(name, upload.digest, idempotent=call.idempotent)
        )
        return JsonResponse(character_json(character))

    async def retrieve_character(self, call: Call) -> Response:
        """Return a character."""
        character_id = call.parameters["character_id"]
        return JsonResponse(character_json(await self._run(lambda: self._engine.characters.retrieve(character_id))))

    async def _start_from(self, source: Upload, prompt: str, call: Call, *, more_seconds: int = 0) -> Response:
        clip = await self._probe(lambda: read_clip(source))
        profile = self._engine.profile
        profile.check_size(clip.size, param="video")
        seconds = profile.check_total(clip.seconds + more_seconds, param="seconds" if more_seconds else "video")
        recipe = Recipe(prompt, str(self.defaults["model"]), clip.size, seconds, f"{more_seconds} {source.digest}")
        return await self._start(call, lambda: self._engine.create(recipe, idempotent=call.idempotent))

    async def _start(self, call: Call, start: Callable[[], Snapshot]) -> Response:
        return JsonResponse(self._video(await self._run(start), call))

    def _video(self, snapshot: Snapshot, call: Call) -> dict[str, Any]:
        return video_json(snapshot, url=self.urls.url_of(snapshot, call.origin))

    async def _probe(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._prober, function)

    async def _run(self, function: Callable[[], _Result]) -> _Result:
        in_context = contextvars.copy_context().run  # which the request's generation is in
        return await asyncio.get_running_loop().run_in_executor(self._thread, in_context, function)


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


async def _rendered(future: Future[None]) -> None:
    """Wait until a file is rendered; after a reset, it never is.

    Raises:
        RefusalError: The engine was reset.
    """
    try:
        # Shielded: other requests may wait for the same file when this client disconnects.
        await asyncio.shield(asyncio.wrap_future(future))
    except asyncio.CancelledError:
        if future.cancelled():
            raise stale() from None
        raise


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
