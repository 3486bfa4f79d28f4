"""Read a TOML file of expected failures, which gives a reason for each requirement.

[expected]
VID-DELETE-001 = "the gateway has no DELETE: https://example.org/issues/12"
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from .catalogue import UnknownRequirementError, known
from .exchange import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .catalogue import Requirement


class ExpectedFailuresError(Exception):
    """The file cannot be used; the message says where and why."""


def read_expected(path: Path | None, among: Mapping[str, Requirement] | None = None) -> Mapping[str, str]:
    """Return the reason for each expected failure, by the requirement's id; an empty mapping if `path` is None.

    Raises:
        ExpectedFailuresError: The file cannot be read, does not have this form, or names an unknown requirement.

    """
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ExpectedFailuresError(f"the expected failures in {path} cannot be read: {problem}") from None
    table = json_object(document.get("expected"))
    if not isinstance(document.get("expected"), dict) or document.keys() != {"expected"}:
        raise ExpectedFailuresError(
            f'{path} has no table [expected], or more than that; write VID-LIST-001 = "the reason" below it'
        )
    for name, reason in table.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ExpectedFailuresError(f"{path} gives no reason for {name}; write why the failure is expected")
    try:
        known(table, among)
    except UnknownRequirementError as problem:
        raise ExpectedFailuresError(f"{path}: {problem}") from None
    return table
