from typing import Literal

VideoStatusValue = Literal["completed", "failed", "in_progress", "processing", "queued"]
"""The values that the contract knows."""

VideoStatus = VideoStatusValue | str
"""The values that the contract knows, or another that a server sends."""

VIDEO_STATUS_VALUES: frozenset[str] = frozenset(
    {
        "completed",
        "failed",
        "in_progress",
        "processing",
        "queued",
    }
)


def check_video_status(value: object) -> VideoStatus:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a value such as one of {VIDEO_STATUS_VALUES!r}")
