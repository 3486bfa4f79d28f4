"""Write rows as a table for a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

Row = Sequence[str | Sequence[str]]
"""The cells of a row; a cell of several lines is a sequence of them."""


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table, in which a cell without a line shows as a hyphen."""
    cells = [[[cell] if isinstance(cell, str) else [*cell] or ["-"] for cell in row] for row in (head, *rows)]
    widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(head))]
    lines = [line for row in cells for line in zip_longest(*row, fillvalue="")]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
