"""Connect each operation of the contract with the engine: from judged fields to an answer.

A method of `Operations` bears the name of its operation's `operationId`. None of them blocks the event loop for long:
the engine's calls are quick and run in one thread, in order; files are judged, made and read in others.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import anyio.to_thread

from .._contract import Contract, control
from .._engine.idempotency import Once
from .._media.library import Variant
from .._model.jobs import Recipe
from .._model.refusals import Reason, RefusalError, invalid, shown
from .responses import (
    JsonAnswer,
    character_json,
    deleted_json,
    media_answer,
    page_json,
    video_json,
)
from .upload_probe import probe, seed_of
from .validation import Fields, Upload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.responses import Response

    from .._engine.engine import Engine, Snapshot

_ATTEMPTS: Final = 3  # a file may be deleted between its making and its opening, when an equal job goes
_ORDERS: Final = ("desc", "asc")
_PAGE: Final = 20  # videos, where neither the request nor the contract says how many
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One judged request. `is_read` is false for HEAD, which shows no status and so counts as no read of it."""

    parameters: Fields
    body: Fields
    once: Once | None
    is_read: bool


Handler: TypeAlias = "Callable[[Call], Awaitable[Response]]"


class Operations:
    """The operations of the contract, over one engine."""

    def __init__(self, engine: Engine, contract: Contract) -> None:
        """Answer from this engine."""
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        # What is left to the server by a request, and by a contract without that default, is as in a seeded job.
        seeded = control().schema_at("#/components/schemas/Seed")["properties"]
        self._unsaid: Fields = {name: seeded[name]["default"] for name in ("model", "size", "seconds")}
        # A file brings no model with it, so a job that starts from one has the model that the contract gives create.
        model = contract.schema_at("#/components/schemas/VideoModel").get("default", self._unsaid["model"])
        self._default_model = str(model)

    def close(self) -> None:
        """Wait for the engine's last call."""
        self._thread.shutdown(wait=True)

    async def create_video(self, call: Call) -> Response:
        """Start a job."""
        body, profile = {**self._unsaid, **call.body}, self._engine.profile
        profile.check_size(body["size"])
        seconds = profile.check_seconds(body["seconds"])
        seed = await anyio.to_thread.run_sync(seed_of, body.get("input_reference"))
        recipe = Recipe(prompt=body["prompt"], model=body["model"], size=body["size"], seconds=seconds, seed=seed)
        return _started(await self._run(lambda: self._engine.create(recipe, once=call.once)))

    async def list_videos(self, call: Call) -> Response:
        """Show a page of jobs."""
        after, limit, order = (call.parameters.get(name) for name in ("after", "limit", "order"))
        ascending = _known("order", order or _ORDERS[0], _ORDERS) == _ORDERS[1]
        page = await self._run(
            lambda: self._engine.page(
                after=after,
                limit=_PAGE if limit is None else int(limit),
                ascending=ascending,
                counted=call.is_read,
            )
        )
        return JsonAnswer(page_json(page))

    async def retrieve_video(self, call: Call) -> Response:
        """Show a job as it stands."""
        video_id = call.parameters["video_id"]
        snapshot = await self._run(lambda: self._engine.retrieve(video_id, counted=call.is_read))
        hint = snapshot.poll_after_ms
        headers = {} if hint is None else {"openai-poll-after-ms": str(hint)}
        return JsonAnswer(video_json(snapshot), headers=headers)

    async def delete_video(self, call: Call) -> Response:
        """Delete a job."""
        video_id = call.parameters["video_id"]
        await self._run(lambda: self._engine.delete(video_id))
        return JsonAnswer(deleted_json(video_id))

    async def download_video_content(self, call: Call) -> Response:
        """Send a file of a job, or the part of it that was asked for."""
        video_id = call.parameters["video_id"]
        variant = Variant(
            _known("variant", call.parameters.get("variant", Variant.VIDEO.value), (each.value for each in Variant))
        )
        for _ in range(_ATTEMPTS):
            future = await self._run(lambda: self._engine.request_content(video_id, variant))
            # Shielded: others may wait for the same file when this client goes away.
            await asyncio.shield(asyncio.wrap_future(future))
            media = await anyio.to_thread.run_sync(self._engine.open_content, video_id, variant)
            if media is not None:
                # Range is defined for GET alone (RFC 9110, section 14.2).
                range_header = call.parameters.get("Range") if call.is_read else None
                return media_answer(media, range_header=range_header, if_range=call.parameters.get("If-Range"))
        raise RuntimeError(f"the {variant.value} of {video_id} was deleted {_ATTEMPTS} times while it was made")

    async def remix_video(self, call: Call) -> Response:
        """Start a job from a completed one, with another prompt."""
        video_id, prompt = call.parameters["video_id"], call.body["prompt"]
        return _started(await self._run(lambda: self._engine.remix(video_id, prompt, once=call.once)))

    async def edit_video(self, call: Call) -> Response:
        """Start a job that changes a completed one, or an uploaded video."""
        prompt, source = call.body["prompt"], call.body["video"]
        if not isinstance(source, Upload):
            return _started(await self._run(lambda: self._engine.edit(source["id"], prompt, once=call.once)))
        return await self._start_from(source, prompt, call)

    async def extend_video(self, call: Call) -> Response:
        """Start a job that goes on where a completed one, or an uploaded video, ends."""
        prompt, source = call.body["prompt"], call.body["video"]
        seconds = self._engine.profile.check_seconds(call.body["seconds"])
        if not isinstance(source, Upload):
            id_ = source["id"]
            return _started(await self._run(lambda: self._engine.extend(id_, prompt, seconds, once=call.once)))
        return await self._start_from(source, prompt, call, more_seconds=seconds)

    async def create_character(self, call: Call) -> Response:
        """Store a character."""
        upload: Upload = call.body["video"]
        await anyio.to_thread.run_sync(probe, upload)
        name = call.body["name"]
        character = await self._run(lambda: self._engine.create_character(name, upload.digest, once=call.once))
        return JsonAnswer(character_json(character))

    async def retrieve_character(self, call: Call) -> Response:
        """Show a character."""
        character_id = call.parameters["character_id"]
        return JsonAnswer(character_json(await self._run(lambda: self._engine.character(character_id))))

    async def _start_from(self, source: Upload, prompt: str, call: Call, *, more_seconds: int = 0) -> Response:
        clip = await anyio.to_thread.run_sync(probe, source)
        profile = self._engine.profile
        profile.check_size(clip.size, param="video")
        seconds = profile.check_total(clip.seconds + more_seconds, param="seconds" if more_seconds else "video")
        seed = f"{more_seconds} {source.digest}"
        recipe = Recipe(prompt=prompt, model=self._default_model, size=clip.size, seconds=seconds, seed=seed)
        return _started(await self._run(lambda: self._engine.create(recipe, once=call.once)))

    async def _run(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def handlers_of(operations: object, contract: Contract) -> dict[str, Any]:
    """Give the handler of each operation of a contract, by its id; one that nobody has written is answered with 501."""
    return {each.id: getattr(operations, each.id, None) or _unwritten(each.id) for each in contract.operations}


def _unwritten(operation_id: str) -> Handler:
    async def refuse(_call: Call) -> Response:
        raise RefusalError(
            Reason.NOT_IMPLEMENTED,
            f"{operation_id} is not offered here, though the contract has it.",
            code="not_implemented",
        )

    return refuse


def _known(parameter: str, word: str, known: Iterable[str]) -> str:
    """Return a word of the contract that the emulator can act upon; refuse one that it has yet to learn."""
    words = list(known)
    if word not in words:
        raise invalid(
            f"{parameter} is {shown(word)}, which is not offered here; use {', '.join(words)}.", param=parameter
        )
    return word


def _started(snapshot: Snapshot) -> Response:
    return JsonAnswer(video_json(snapshot))
