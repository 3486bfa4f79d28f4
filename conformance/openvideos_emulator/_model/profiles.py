"""Decide which sizes and durations a server offers, beyond what the contract's schemas allow.

The contract lets a server refuse a size or duration that it does not offer (400); a profile is that choice, as data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .refusals import invalid, shown

_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server offers. An empty `sizes` or `seconds` means every one up to the maximum."""

    name: str
    max_edge: int
    max_seconds: int
    sizes: frozenset[str] = frozenset()
    seconds: frozenset[int] = frozenset()

    def check_size(self, size: str, *, param: str = "size") -> None:
        """Refuse a size, written `WxH`, that this server does not offer."""
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
        """Refuse a duration in whole seconds that this server does not offer; return it as a number."""
        number = int(seconds) if len(seconds) <= _MAX_DIGITS else self.max_seconds + 1
        if self.seconds and number not in self.seconds:
            offered = ", ".join(str(each) for each in sorted(self.seconds))
            raise invalid(f"{param} is {shown(seconds)}; the profile {self.name} offers {offered}.", param=param)
        return self.check_total(number, param=param)

    def check_total(self, seconds: int, *, param: str) -> int:
        """Refuse a clip, such as an extended one, that is longer than this server makes; return its duration."""
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
    max_seconds=120,  # one clip has 12 at the most; extensions add up to more
    sizes=frozenset({"720x1280", "1280x720", "1024x1792", "1792x1024"}),
    seconds=frozenset({4, 8, 12}),
)
PROFILES: Final = {profile.name: profile for profile in (DEFAULT, SORA)}
