"""What a run has measured, and what follows from it: medians, ratios of clients that took turns, spreads. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Self

Metrics = dict[str, float]


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles around it."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the spread of at least one value."""
        ordered = sorted(values)
        return cls(median(ordered), quantile(ordered, 0.25), quantile(ordered, 0.75))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of values in order, between two of them if it falls there."""
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


@dataclass(frozen=True)
class Quantity:
    """One number of a row: of this client, by this metric."""

    row: str
    peer: str
    metric: str


@dataclass
class Measured:
    """A row, with what each client took in each round."""

    what: str
    group: str
    metric: str
    size: int | None = None
    samples: dict[str, list[Metrics]] = field(default_factory=dict[str, list[Metrics]])
    failures: list[str] = field(default_factory=list[str])
    """The clients that did not do it."""


@dataclass
class Results:
    """A run."""

    about: dict[str, Any]
    """Where and when it ran, and how long it took."""
    versions: dict[str, str]
    rows: dict[str, Measured] = field(default_factory=dict[str, Measured])

    def values(self, quantity: Quantity) -> list[float]:
        """Return a number of each round, or nothing if it was not measured."""
        row = self.rows.get(quantity.row)
        samples = row.samples.get(quantity.peer, []) if row else []
        return [sample[quantity.metric] for sample in samples if quantity.metric in sample]

    def spread(self, quantity: Quantity) -> Spread | None:
        """Return the median and the quartiles of a number."""
        values = self.values(quantity)
        return Spread.of(values) if values else None

    def ratio(self, one: Quantity, other: Quantity) -> Spread | None:
        """Return one number divided by another, round by round: what slows one round slows both."""
        pairs = zip(self.values(one), self.values(other), strict=False)
        ratios = [value / beside for value, beside in pairs if beside]
        return Spread.of(ratios) if ratios else None

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON, with as many digits as a measurement has."""
        made = asdict(self)
        for row in made["rows"].values():
            for samples in row["samples"].values():
                samples[:] = [{name: rounded(value) for name, value in each.items()} for each in samples]
        return made

    @classmethod
    def from_json(cls, read: dict[str, Any]) -> Self:
        """Return the run that a JSON tells of."""
        rows = {name: Measured(**row) for name, row in read["rows"].items()}
        return cls(read["about"], read["versions"], rows)


def rounded(value: float, digits: int = 4) -> float:
    """Return a number with so many significant digits."""
    return float(f"{value:.{digits}g}")


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the exponent by which a cost grows, from the total costs of sizes: 1 is linear, 2 is quadratic.

    It is the slope of the line through the logarithms that is nearest to them.
    """
    if len(points) < 2:  # noqa: PLR2004 - a line has two
        return None
    xs, ys = [math.log(size) for size, _ in points], [math.log(cost) for _, cost in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    width = sum((each - x) ** 2 for each in xs)
    return sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / width if width else None
