from typing import Literal

VideoModelValue = Literal["sora-2", "sora-2-pro"]
"""The values that the contract knows."""

VideoModel = VideoModelValue | str
"""The values that the contract knows, or another that a server sends."""

VIDEO_MODEL_VALUES: frozenset[str] = frozenset(
    {
        "sora-2",
        "sora-2-pro",
    }
)


def check_video_model(value: object) -> VideoModel:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a value such as one of {VIDEO_MODEL_VALUES!r}")
