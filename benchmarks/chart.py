"""A chart of lines on logarithmic axes, as SVG that needs no script and no font. Pure.

Two charts of lines are all that is drawn: a plotting library would bring thirty megabytes for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 860
HEIGHT: Final = 440
LEFT, RIGHT, TOP, BOTTOM = 70, 270, 44, 50
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555")
"""Colours that those who see fewer of them can tell apart (Okabe and Ito)."""
LABEL_GAP: Final = 17.0


@dataclass(frozen=True)
class Line:
    """A named line through points of positive numbers."""

    name: str
    points: Sequence[tuple[float, float]]
    is_ours: bool = False


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis over whole decades, from one place of the picture to another."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> Axis:
        """Return the axis that has room for these values."""
        low = math.floor(math.log10(min(values)))
        return cls(low, max(low + 1, math.ceil(math.log10(max(values)))), start, end)

    def place(self, value: float) -> float:
        """Return where a value stands."""
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return the decades."""
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


def line_chart(title: str, across: str, upwards: str, lines: Sequence[Line]) -> str:
    """Draw the lines, each with its name at its end."""
    lines = [line for line in lines if line.points]
    if not lines:
        return picture([f'<text x="{LEFT}" y="{TOP}">{escape(title)}: not in this run</text>'])
    x = Axis.over([size for line in lines for size, _ in line.points], LEFT, WIDTH - RIGHT)
    y = Axis.over([value for line in lines for _, value in line.points], HEIGHT - BOTTOM, TOP)
    parts = [f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>', *grid(x, y)]
    parts.append(
        f'<text x="{(x.start + x.end) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>'
    )
    middle = (y.start + y.end) / 2
    parts.append(
        f'<text x="16" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 16 {middle:.0f})">'
        f"{escape(upwards)}</text>"
    )
    labels = spread_out([y.place(line.points[-1][1]) for line in lines])
    for number, (line, label) in enumerate(zip(lines, labels, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        places = [(x.place(size), y.place(value)) for size, value in line.points]
        drawn = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        width = 3.5 if line.is_ours else 1.8
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>' for across, up in places]
        end_x, end_y = places[-1]
        start = WIDTH - RIGHT + 12
        parts.append(
            f'<path d="M{end_x:.1f} {end_y:.1f}L{start - 3} {label:.1f}" stroke="{colour}" stroke-width="0.6"/>'
        )
        weight = ' font-weight="bold"' if line.is_ours else ""
        parts.append(f'<text x="{start}" y="{label + 4:.1f}" fill="{colour}"{weight}>{escape(line.name)}</text>')
    return picture(parts)


def grid(x: Axis, y: Axis) -> Iterator[str]:
    """Yield the lines behind the others, and what they stand for."""
    for tick in x.ticks():
        place = x.place(tick)
        yield f'<path d="M{place:.1f} {y.start}V{y.end}" stroke="#dddddd"/>'
        yield f'<text x="{place:.1f}" y="{y.start + 18:.0f}" text-anchor="middle">{tick:,g}</text>'
    for tick in y.ticks():
        place = y.place(tick)
        yield f'<path d="M{x.start} {place:.1f}H{x.end}" stroke="#dddddd"/>'
        yield f'<text x="{x.start - 8}" y="{place + 4:.1f}" text-anchor="end">{tick:,g}</text>'


def spread_out(places: Sequence[float]) -> list[float]:
    """Return the places of labels, moved down as far as they need so as not to stand on each other."""
    moved = list(places)
    last = -math.inf
    for index in sorted(range(len(places)), key=lambda each: places[each]):
        last = moved[index] = max(places[index], last + LABEL_GAP)
    return moved


def picture(parts: Sequence[str]) -> str:
    """Return an SVG of these parts, on white: pages may be dark."""
    space = 'xmlns="http://www.w3.org/2000/svg"'
    head = f'<svg {space} viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return "\n".join((head, ground, *parts, "</svg>")) + "\n"
