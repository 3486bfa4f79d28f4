"""Choose cases of a product of parameters: few, and yet each value occurs in one of them, or each pair of values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations


def covering(cases: Sequence[Sequence[Hashable]], strength: int) -> set[int]:
    """Return the places of some cases in which each combination of `strength` values occurs that occurs in any.

    A case has one value of each parameter, in the same order as the others. What brings the most is chosen first, and
    of equals the first, so that the same cases always lead to the same choice.
    """
    parts = [set(combinations(enumerate(case), min(strength, len(case)))) for case in cases]
    missing = set[tuple[tuple[int, Hashable], ...]]().union(*parts)
    chosen: set[int] = set()
    for least in range(max(map(len, parts), default=0), 0, -1):
        for place, part in enumerate(parts):
            if len(part & missing) >= least:
                chosen.add(place)
                missing -= part
    return chosen
