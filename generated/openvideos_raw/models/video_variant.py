from typing import Literal

VideoVariantValue = Literal["spritesheet", "thumbnail", "video"]
"""The values that the contract knows."""

VideoVariant = VideoVariantValue | str
"""The values that the contract knows, or another that a server sends."""

VIDEO_VARIANT_VALUES: frozenset[str] = frozenset(
    {
        "spritesheet",
        "thumbnail",
        "video",
    }
)


def check_video_variant(value: object) -> VideoVariant:
    """Return the value as it is, known or not. Raises TypeError if it is not of the type str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected a value such as one of {VIDEO_VARIANT_VALUES!r}")
