"""Depart from the shape of a Video, and from the words of its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .departure import STARTING, Departure, changed_videos, departure, refused, with_videos
from .wrapping import Request, ServerResponse, as_object, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from .departure import Memory
    from .wrapping import Handler

RUNNING: Final = frozenset({"queued", "in_progress"})


def _each_video(name: str, what: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Departure:
    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        return await with_videos(request, ask, change)

    return Departure(name, what, depart)


def keys_are_missing(*names: str) -> Departure:
    """Leave these keys out of a video."""
    return _each_video(
        "keys_are_missing",
        f"Leave {', '.join(names)} out of a video.",
        lambda video: {key: value for key, value in video.items() if key not in names},
    )


null_keys_are_missing: Final = _each_video(
    "null_keys_are_missing",
    "Leave the keys of a video out that have no value.",
    lambda video: {key: value for key, value in video.items() if value is not None},
)


def keys_are_added(**values: Any) -> Departure:
    """Add keys to a video that the contract does not have."""
    return _each_video("keys_are_added", f"Add {', '.join(values)} to a video.", lambda video: {**video, **values})


videos_name_files: Final = _each_video(
    "videos_name_files",
    "Show where the file of a video is on the server's disk.",
    lambda video: {**video, "file_path": f"/srv/out/videos/{video['id']}.mp4"},
)

videos_name_tasks: Final = _each_video(
    "videos_name_tasks",
    "Add the id of the vendor's task, and metadata, to a video.",
    lambda video: {**video, "task_id": f"task_{video['id']}", "metadata": {}},
)

remixes_name_the_vendors_id: Final = _each_video(
    "remixes_name_the_vendors_id",
    "Tell the vendor's own id of a remix's source, which no client knows.",
    lambda video: (
        {**video, "remixed_from_video_id": f"{video['remixed_from_video_id']}_of_the_vendor"}
        if video["remixed_from_video_id"]
        else video
    ),
)

in_progress_is_queued: Final = _each_video(
    "in_progress_is_queued",
    "Call a job that runs queued, with a progress of 0, until it has ended.",
    lambda video: {**video, "status": "queued", "progress": 0} if video["status"] in RUNNING else video,
)

progress_is_a_fraction: Final = _each_video(
    "progress_is_a_fraction",
    "Tell the progress as a number with a fraction.",
    lambda video: {**video, "progress": video["progress"] + 0.5 if 0 < video["progress"] < 100 else video["progress"]},
)

duration_replaces_seconds: Final = _each_video(
    "duration_replaces_seconds",
    "Tell the duration as a number under `duration`, not under `seconds`.",
    lambda video: {
        **{key: value for key, value in video.items() if key != "seconds"},
        "duration": float(video["seconds"]),
    },
)


def statuses_have_other_words(**words: str) -> Departure:
    """Use these words for statuses; `late` is that of a job that has run for half its time."""

    def word(video: dict[str, Any]) -> str:
        status = str(video["status"])
        late = status == "in_progress" and video.get("progress", 0) >= 50
        return words["late"] if late and "late" in words else words.get(status, status)

    names = ", ".join(words.values())
    return _each_video(
        "statuses_have_other_words",
        f"Use the words {names} for statuses.",
        lambda video: {**video, "status": word(video)},
    )


def _each_failure(name: str, what: str, change: Callable[[dict[str, Any]], Any]) -> Departure:
    def changed(video: dict[str, Any]) -> dict[str, Any]:
        told = as_object(video.get("error"))
        return {**video, "error": change(told)} if told else video

    return _each_video(name, what, changed)


failures_lack_a_code: Final = _each_failure(
    "failures_lack_a_code",
    "Say why a job failed without a code.",
    lambda told: {"message": told["message"]},
)

failures_have_integer_codes: Final = _each_failure(
    "failures_have_integer_codes",
    "Say why a job failed with the number 500 as the code.",
    lambda told: {"code": 500, "message": told["message"]},
)

failures_are_texts: Final = _each_failure(
    "failures_are_texts", "Say why a job failed as a text.", lambda told: told["message"]
)


@departure
async def a_failed_job_is_a_500(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer the retrieval of a failed job with a 500 whose body is the video."""
    response = await ask(request)
    is_meant = request.operation == "retrieve_video" and response.object.get("status") == "failed"
    return response.with_status(500) if is_meant else response


def unchosen_sizes_are(value: str | None) -> Departure:
    """Tell this as the size of a video for which none was asked."""

    async def depart(request: Request, ask: Handler, memory: Memory) -> ServerResponse:
        response = await ask(request)
        if request.operation == "create_video" and response.is_ok and request.text("size") is None:
            memory[response.object["id"]] = True
        return changed_videos(
            request, response, lambda video: {**video, "size": value} if video["id"] in memory else video
        )

    shown = "null" if value is None else "an empty text"
    return Departure("unchosen_sizes", f"Tell {shown} as the size where none was asked for.", depart)


@departure
async def creates_tell_an_id_alone(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer a create with id, polling_url and status alone."""
    response = await ask(request)
    if request.operation not in STARTING or not response.is_ok:
        return response
    video = response.object
    told = {"id": video["id"], "polling_url": f"/v1/videos/{video['id']}", "status": video["status"]}
    return response.with_json(told)


@departure
async def creates_are_202(request: Request, ask: Handler, _: Memory) -> ServerResponse:
    """Answer a create with a 202."""
    response = await ask(request)
    return response.with_status(202) if request.operation in STARTING and response.is_ok else response


def ids_name_a_provider(provider: str) -> Departure:
    """Put the name of the provider behind each id, and refuse an id without it."""
    tail = f":{provider}"

    def outer(value: Any) -> Any:
        return f"{value}{tail}" if isinstance(value, str) else value

    async def depart(request: Request, ask: Handler, _: Memory) -> ServerResponse:
        if request.id and request.id not in {"edits", "extensions", "characters", "models"}:
            video_id = request.id.replace("%3A", ":").replace("%3a", ":")
            if not video_id.endswith(tail):
                return await refused(request, ask, error(400, "The id of a video is ID:PROVIDER.", param="video_id"))
            request = request.at(request.path.replace(request.id, video_id.removesuffix(tail), 1))
        after, source = request.parameter("after"), as_object(request.fields.get("video")).get("id")
        if after is not None:
            request = request.with_parameter("after", after.removesuffix(tail))
        if isinstance(source, str):
            request = request.with_fields({**request.fields, "video": {"id": source.removesuffix(tail)}})
        if request.text("video[id]"):
            in_form = str(request.text("video[id]")).removesuffix(tail)
            request = request.with_fields({**request.fields, "video[id]": in_form})
        response = await with_videos(
            request,
            ask,
            lambda video: {
                **video,
                "id": outer(video["id"]),
                "remixed_from_video_id": outer(video["remixed_from_video_id"]),
            },
        )
        if request.operation == "list_videos" and response.is_ok:
            return response.with_fields(**{name: outer(response.object[name]) for name in ("first_id", "last_id")})
        if request.operation == "delete_video" and response.is_ok:
            return response.with_fields(id=outer(response.object["id"]))
        return response

    return Departure(
        "ids_name_a_provider", "Put the provider's name behind each id, and refuse an id without it.", depart
    )
