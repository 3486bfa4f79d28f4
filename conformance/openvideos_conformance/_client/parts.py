"""Say which part of the work a requirement is about, so that a report can tell the program from the client. Pure.

What a program does itself, such as a loop of its own that polls, says nothing about the client that it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

PARTS: Final = {
    "polls": ("CLI-POLL-",),
    "retries": ("CLI-RETRY-", "CLI-CREATE-"),
    "lists": ("CLI-LIST-",),
    "files": ("CLI-CONTENT-",),
}
"""The parts of the work, each with the beginnings of the ids of its requirements."""


def is_of_program(requirement: str, own: Collection[str]) -> bool:
    """Tell whether a verdict is about the program, which does these parts itself."""
    return requirement.startswith(tuple(prefix for part in own for prefix in PARTS[part]))
