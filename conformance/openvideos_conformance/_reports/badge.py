"""Draw the result of a run as a badge: an SVG without external resources. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.profiles import ProfileVerdict

if TYPE_CHECKING:
    from .._core.run_result import RunResult

_LABEL: Final = "Videos API"
_PER_CHARACTER: Final = 6.6
_PADDING: Final = 10
_GREEN, _RED, _GREY = "#1a7f37", "#b3261e", "#5f6570"


def to_badge(run: RunResult) -> str:
    """Return the text of badge.svg, such as `Videos API | Core 2026-12: met`, or `Videos API | 131/140 MUST`."""
    value, colour = _value(run)
    left, right = _width(_LABEL), _width(value)
    label = escape(f"{_LABEL}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4048"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(_LABEL, left / 2, left)}{_text(value, left + right / 2, right)}</g></svg>\n"
    )


def _value(run: RunResult) -> tuple[str, str]:
    kept, tested = run.kept(Level.MUST)
    if run.exit_code not in {0, 1} or not tested:
        return "no verdict", _GREY
    met = [each for each in run.profiles if each.verdict is ProfileVerdict.MET]
    if met:
        return met[-1].line, _GREEN
    return f"{kept}/{tested} MUST", _GREEN if not run.failures else _RED


def _width(text: str) -> int:
    return round(len(text) * _PER_CHARACTER) + _PADDING


def _text(text: str, middle: float, width: int) -> str:
    # The length is stated, so that the text fits in any font.
    return f'<text x="{middle:g}" y="14" textLength="{width - _PADDING}">{escape(text)}</text>'
