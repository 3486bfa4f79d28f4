from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

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
        from ..models.video_error import VideoError

        d = dict(src_dict)
        id = take(d, "id", (str,), "Video")
        object_ = cast("Literal['video']", d.pop("object", "video"))
        created_at = take(d, "created_at", (int, float), "Video")
        model = take(d, "model", (str,), "Video")
        status = take(d, "status", (str,), "Video")
        progress = given(d, "progress", (int, float), None)
        completed_at = given(d, "completed_at", (int, float), None)
        expires_at = given(d, "expires_at", (int, float), None)
        prompt = given(d, "prompt", (str,), None)
        size = given(d, "size", (str,), None)
        seconds = given(d, "seconds", (str,), None)
        duration = given(d, "duration", (int, float), None)
        url = given(d, "url", (str,), None)
        seed = given(d, "seed", (int, float), None)
        negative_prompt = given(d, "negative_prompt", (str,), None)
        fps = given(d, "fps", (int, float), None)
        num_frames = given(d, "num_frames", (int, float), None)
        remixed_from_video_id = given(d, "remixed_from_video_id", (str,), None)
        error = given(d, "error", (VideoError,), None)
        video = cls(
            id=id,
            object_=object_,
            created_at=created_at,
            model=model,
            status=status,
            progress=progress,
            completed_at=completed_at,
            expires_at=expires_at,
            prompt=prompt,
            size=size,
            seconds=seconds,
            duration=duration,
            url=url,
            seed=seed,
            negative_prompt=negative_prompt,
            fps=fps,
            num_frames=num_frames,
            remixed_from_video_id=remixed_from_video_id,
            error=error,
        )
        video.additional_properties = d
        video._sent = tuple(src_dict)
        return video

    @property
    def object(self) -> Literal["video"]:
        """The type of this object, always `video`."""
        return self.object_
