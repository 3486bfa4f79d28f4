from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.video_status import VideoStatus
from ..types import ApiObject, given, take

if TYPE_CHECKING:
    from ..models.video_error import VideoError


@_attrs_define
class Video(ApiObject):
    """A video generation job, and the video that it makes. A Video SHOULD have each field that the contract recommends:
    `progress`, `completed_at`, `expires_at`, `prompt`, `size`, `seconds`, `remixed_from_video_id` and `error`. id,
    created_at, model, prompt, size, seconds and remixed_from_video_id MUST NOT change from their first values.

    """

    id: str
    """The id of the job, the only handle to what was paid for. Each accepted create MUST have an id of its own, also
    when many are sent concurrently. The id of a response MUST be the id that was requested."""

    object_: Literal["video"]
    """The type of this object, always `video`."""

    created_at: int
    """When the job was created, in Unix seconds."""

    model: str
    """The model that makes the video. The model of the response MUST be the model that was requested."""

    status: VideoStatus
    """How far a job is: `queued`, then `in_progress`, then `completed` or `failed`, with which it has ended.
    `processing` is an older word for `in_progress`; a server SHOULD send in_progress. It MAY have further words for
    jobs that go on, so a reader takes a word that it does not know for a job that is still running.  A job that has
    ended MUST keep its status. A status MUST NOT go back from in_progress or processing to queued. A server MUST
    complete a job that it has accepted, unless moderation refuses the result or the job cannot be done. A job whose
    status the client does not know MUST be polled further. A job that has ended MUST NOT be polled further; an
    application may read it again."""

    progress: int | None = None
    """How much is done, in whole percent. progress MUST NOT go back. progress MUST be 100 once the job is completed,
    where it is sent."""

    completed_at: int | None = None
    """When the job ended, in Unix seconds. completed_at MUST be null until the job has ended. completed_at SHOULD be
    set once the job has ended. completed_at MUST NOT be before created_at, and MUST NOT change once it is set."""

    expires_at: int | None = None
    """When the files are deleted, in Unix seconds; null if unknown or never. expires_at MUST NOT be before the end of
    the job, and the content MUST be available until then. The job outlives its files: for at least a day after
    `expires_at` it can be retrieved and listed, with the status `completed`, and its content is a 410."""

    prompt: None | str = None
    """The prompt. The prompt of the response MUST be exactly the prompt that was sent, in any script."""

    size: None | str = None
    """The size of the picture, width x height in pixels, such as `720x1280`. The size of the response MUST be the size
    that was requested. The picture of the MP4 MUST have the size of the job."""

    seconds: None | str = None
    """The duration of the clip in seconds, as a decimal string. The seconds of the response MUST be the duration that
    was requested. The duration of the MP4 MUST be the seconds of the job."""

    duration: int | None = None
    """The duration of the clip as a number, from servers that give it: in seconds, rounded to the nearest whole one,
    so that 81 frames at 16 frames per second are 5. seconds and duration MUST agree if both are sent."""

    url: None | str = None
    """Where the finished file can be fetched without the API, on servers that offer it; it works until `expires_at` if
    that is known. The url of a completed job MUST be absolute, and MUST return the content of its video without an
    API key."""

    seed: int | None = None
    """The seed of the noise, from servers with the extension `sampling`; null without one."""

    negative_prompt: None | str = None
    """What the video shall not show, from servers with the extension `sampling`; null without it."""

    fps: int | None = None
    """The frames per second of the clip, from servers with the extension `sampling`."""

    num_frames: int | None = None
    """The number of frames of the clip, from servers with the extension `sampling`. Where a create names `num_frames`,
    `seconds` is `num_frames` / `fps`, rounded to six digits."""

    remixed_from_video_id: None | str = None
    """The id of the video that this one remixes; null if it is not a remix. remixed_from_video_id MUST name the source
    of a remix. A new job MUST NOT have remixed_from_video_id unless it is a remix, nor an error unless it has
    failed."""

    error: None | VideoError = None
    """Why the job failed. error MUST be null unless the status is failed. A failed job SHOULD have an error that says
    why."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    _KEYS: ClassVar[dict[str, str]] = {
        "id": "id",
        "object_": "object",
        "created_at": "created_at",
        "model": "model",
        "status": "status",
        "progress": "progress",
        "completed_at": "completed_at",
        "expires_at": "expires_at",
        "prompt": "prompt",
        "size": "size",
        "seconds": "seconds",
        "duration": "duration",
        "url": "url",
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "fps": "fps",
        "num_frames": "num_frames",
        "remixed_from_video_id": "remixed_from_video_id",
        "error": "error",
    }
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"id", "object", "created_at", "model", "status"})
    _CONSTANTS: ClassVar[frozenset[str]] = frozenset({"object"})

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read a JSON object. A value of another type than the contract's is kept in `additional_properties`.

        Raises MalformedModel, naming the key, when a required key is missing or of another type.
        """
        d = dict(src_dict)
        id = d.pop("id", None)
        if type(id) is not str:
            id = take(src_dict, "id", (str,), "Video")

        object_: Literal["video"] = d.pop("object", "video")

        created_at = d.pop("created_at", None)
        if type(created_at) is not int:
            created_at = take(src_dict, "created_at", (int, float), "Video")

        model = d.pop("model", None)
        if type(model) is not str:
            model = take(src_dict, "model", (str,), "Video")

        status = d.pop("status", None)
        if type(status) is not str:
            status = take(src_dict, "status", (str,), "Video")

        progress = d.pop("progress", None)
        if progress is not None and type(progress) is not int:
            progress = given(d, "progress", progress, (int, float), None)

        completed_at = d.pop("completed_at", None)
        if completed_at is not None and type(completed_at) is not int:
            completed_at = given(d, "completed_at", completed_at, (int, float), None)

        expires_at = d.pop("expires_at", None)
        if expires_at is not None and type(expires_at) is not int:
            expires_at = given(d, "expires_at", expires_at, (int, float), None)

        prompt = d.pop("prompt", None)
        if prompt is not None and type(prompt) is not str:
            prompt = given(d, "prompt", prompt, (str,), None)

        size = d.pop("size", None)
        if size is not None and type(size) is not str:
            size = given(d, "size", size, (str,), None)

        seconds = d.pop("seconds", None)
        if seconds is not None and type(seconds) is not str:
            seconds = given(d, "seconds", seconds, (str,), None)

        duration = d.pop("duration", None)
        if duration is not None and type(duration) is not int:
            duration = given(d, "duration", duration, (int, float), None)

        url = d.pop("url", None)
        if url is not None and type(url) is not str:
            url = given(d, "url", url, (str,), None)

        seed = d.pop("seed", None)
        if seed is not None and type(seed) is not int:
            seed = given(d, "seed", seed, (int, float), None)

        negative_prompt = d.pop("negative_prompt", None)
        if negative_prompt is not None and type(negative_prompt) is not str:
            negative_prompt = given(d, "negative_prompt", negative_prompt, (str,), None)

        fps = d.pop("fps", None)
        if fps is not None and type(fps) is not int:
            fps = given(d, "fps", fps, (int, float), None)

        num_frames = d.pop("num_frames", None)
        if num_frames is not None and type(num_frames) is not int:
            num_frames = given(d, "num_frames", num_frames, (int, float), None)

        remixed_from_video_id = d.pop("remixed_from_video_id", None)
        if remixed_from_video_id is not None and type(remixed_from_video_id) is not str:
            remixed_from_video_id = given(d, "remixed_from_video_id", remixed_from_video_id, (str,), None)

        error = d.pop("error", None)
        if error is not None:
            from ..models.video_error import VideoError

            error = given(d, "error", error, (VideoError,), None)

        video = cls(
            id,
            object_,
            created_at,
            model,
            status,
            progress,
            completed_at,
            expires_at,
            prompt,
            size,
            seconds,
            duration,
            url,
            seed,
            negative_prompt,
            fps,
            num_frames,
            remixed_from_video_id,
            error,
        )
        video.additional_properties = d
        video._sent = tuple(src_dict)
        return video

    @property
    def object(self) -> Literal["video"]:
        """The type of this object, always `video`."""
        return self.object_
