"""Decide which sizes and durations a server accepts, among those that the contract's schemas allow.

The contract lets a server refuse a size or duration that it does not offer (400). A profile is that choice, as data.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from .jobs import FRAME_RATE, Recipe
from .refusals import invalid, shown

_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Profile:
    """The sizes and durations that a server accepts. An empty `sizes` or `seconds` means all up to the maximum.

    `max_edge` is in pixels; `sizes` are written `WxH`.
    """

    name: str
    max_edge: int
    max_seconds: int
    sizes: frozenset[str] = frozenset()
    seconds: frozenset[int] = frozenset()

    def check_size(self, size: str, *, param: str = "size") -> None:
        """Check a size, written `WxH`.

        Raises:
            RefusalError: This server does not offer the size.
        """
        if self.sizes:
            if size not in self.sizes:
                offered = ", ".join(sorted(self.sizes))
                raise invalid(f"{param} is {shown(size)}; the profile {self.name} offers {offered}.", param=param)
            return
        edges = size.split("x")
        if not all(_is_edge(edge, self.max_edge) for edge in edges):
            raise invalid(
                f"{param} is {shown(size)}; width and height must be even numbers from 2 to {self.max_edge}.",
                param=param,
            )

    def check_seconds(self, seconds: str, *, param: str = "seconds") -> int:
        """Check a duration in whole seconds, and return it as a number.

        Raises:
            RefusalError: This server does not offer the duration.
        """
        number = int(seconds) if len(seconds) <= _MAX_DIGITS else self.max_seconds + 1
        if self.seconds and number not in self.seconds:
            offered = ", ".join(str(each) for each in sorted(self.seconds))
            raise invalid(f"{param} is {shown(seconds)}; the profile {self.name} offers {offered}.", param=param)
        return self.check_total(number, param=param)

    def check_duration(self, duration: Fraction, *, param: str) -> int:
        """Check a duration in seconds that need not be whole, and return it, rounded up.

        Raises:
            RefusalError: This server does not offer the duration.
        """
        if self.seconds and duration not in self.seconds:
            offered = ", ".join(str(each) for each in sorted(self.seconds))
            made = f"{param} makes {float(duration):g} seconds"
            raise invalid(f"{made}; the profile {self.name} offers {offered}.", param=param)
        return self.check_total(ceil(duration), param=param)

    def check_clip(self, recipe: Recipe, *, param: str) -> None:
        """Check a clip's duration, and the work of rendering it: at most that of the longest one of the largest size.

        Raises:
            RefusalError: The clip is longer, or has more frames than are offered of its size.
        """
        self.check_total(recipe.seconds, param=param)
        frames, (width, _, height) = recipe.frames, recipe.size.partition("x")
        most = self.max_edge * self.max_edge * self.max_seconds * FRAME_RATE // (int(width) * int(height))
        if frames > most:
            raise invalid(
                f"{param} makes a clip of {frames} frames; of the size {recipe.size}, {most} are offered.", param=param
            )

    def check_total(self, seconds: int, *, param: str) -> int:
        """Check the total duration of a clip, such as an extended one, in seconds, and return it.

        Raises:
            RefusalError: The clip is empty, or longer than this server's maximum.
        """
        if not 1 <= seconds <= self.max_seconds:
            length = str(seconds) if seconds < 10**_MAX_DIGITS else "too many"
            raise invalid(
                f"{param} makes a clip of {length} seconds; it must be from 1 to {self.max_seconds}.", param=param
            )
        return seconds


def _is_edge(text: str, maximum: int) -> bool:
    return len(text) <= _MAX_DIGITS and int(text) % 2 == 0 and 2 <= int(text) <= maximum  # noqa: PLR2004


DEFAULT: Final = Profile(name="default", max_edge=4096, max_seconds=60)
SORA: Final = Profile(
    name="sora",
    max_edge=1792,
    max_seconds=120,  # a created clip has at most 12, but extensions make it longer
    sizes=frozenset({"720x1280", "1280x720", "1024x1792", "1792x1024"}),
    seconds=frozenset({4, 8, 12}),
)
PROFILES: Final = {profile.name: profile for profile in (DEFAULT, SORA)}


def profile_of(name: str) -> Profile:
    """Return the profile with this name.

    Raises:
        ValueError: There is none.
    """
    if name not in PROFILES:
        raise ValueError(f"the profile {name!r} is unknown; use one of {', '.join(PROFILES)}")
    return PROFILES[name]
