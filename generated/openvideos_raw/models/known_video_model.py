from typing import Literal

KnownVideoModelValue = Literal["sora-2", "sora-2-pro"]
"""The values that the contract knows."""

KnownVideoModel = KnownVideoModelValue | str
"""The values that the contract knows, or another that a server sends."""

KNOWN_VIDEO_MODEL_VALUES: frozenset[str] = frozenset(
    {
        "sora-2",
        "sora-2-pro",
    }
)


def check_known_video_model(value: object) -> KnownVideoModel:
    """Return the value as it is, known or not. Raises TypeError if it is not a string."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a string, such as one of {KNOWN_VIDEO_MODEL_VALUES!r}")
