"""Add the suite's options to pytest, and make the plugin from their values."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .._core.catalogue import UnknownRequirementError, selected
from .._core.expected_failures import ExpectedFailuresError, read_expected
from .._core.target import OPTIONS, Target, TargetError
from .plugin import SuitePlugin
from .run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEST = "openvideos_"
"""The prefix of the names of our values, which keeps them apart from those of other plugins."""
SHARED = "--base-url"
"""The option that pytest-base-url has, too, with the same meaning."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options of `openvideos-conformance run`, under those of their names that no other plugin has.

    An option of which another plugin has every name is called `--openvideos-…`.
    """
    group = parser.getgroup("openvideos", "judge a server of the Videos API")
    taken = _taken(parser)

    def add(names: Sequence[str], help_text: str, dest: str, **options: Any) -> None:
        free = [name for name in names if name not in taken] or [f"--openvideos-{names[0].removeprefix('--')}"]
        group.addoption(*free, help=help_text, dest=dest, **options)

    for option in OPTIONS:
        if option.names[0] == SHARED and SHARED in taken:
            continue
        dest = "base_url" if option.names[0] == SHARED else _DEST + option.dest
        add(option.names, option.help, dest, metavar=option.metavar or option.dest.upper())
    add(
        ["--only"],
        "check only these requirements (ID,ID, repeatable)",
        f"{_DEST}only",
        metavar="ID",
        action="append",
        default=[],
    )
    add(["--report"], "the directory to write reports to", f"{_DEST}report", metavar="DIR", type=Path)
    add(
        ["--expected-failures"],
        "a TOML file of expected failures, each with a reason",
        f"{_DEST}expected_failures",
        metavar="FILE",
        type=Path,
    )
    add(
        ["--strict", "--should-fails"],
        "fail the run for a SHOULD that fails, too",
        f"{_DEST}strict",
        action="store_true",
    )


def _taken(parser: pytest.Parser) -> set[str]:
    """Return the names of all existing options. pytest 8 notices a clash between groups only after it was made."""
    groups: list[Any] = [getattr(parser, "_anonymous", None), *getattr(parser, "_groups", ())]
    return {name for each in groups for option in getattr(each, "options", ()) for name in option.names()}


def plugin_of(config: pytest.Config) -> SuitePlugin:
    """Make the plugin from the values of the options.

    Raises:
        pytest.UsageError: A value cannot be used.

    """
    values = vars(config.option)
    texts = {option.dest: values.get(_DEST + option.dest) for option in OPTIONS}
    texts["base_url"] = values.get("base_url")
    try:
        target = Target.of(texts, os.environ)
        only = selected(values[f"{_DEST}only"])
        expected = read_expected(values[f"{_DEST}expected_failures"])
    except (TargetError, UnknownRequirementError, ExpectedFailuresError) as problem:
        raise pytest.UsageError(str(problem)) from None
    target = dataclasses.replace(target, max_videos=_share(config, target.max_videos))
    state = RunState(
        target=target,
        only=only,
        expected=expected,
        strict=values[f"{_DEST}strict"],
        report=values[f"{_DEST}report"],
    )
    return SuitePlugin(state)


def _share(config: pytest.Config, max_videos: int) -> int:
    """Return how many of the videos this process may start: all, or the share of a pytest-xdist worker.

    Raises:
        pytest.UsageError: There are more workers than videos, but each worker needs one.

    """
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    workers = int(worker["workercount"]) if worker else _workers(config)
    if workers > max_videos:
        raise pytest.UsageError(
            f"--max-videos {max_videos} is less than the {workers} workers of pytest-xdist, each of which starts at "
            f"least one; use -n {max_videos} or fewer, or allow more videos"
        )
    if worker is None:
        return max_videos
    index = int(str(worker["workerid"]).removeprefix("gw"))
    return max_videos // workers + (index < max_videos % workers)


def _workers(config: pytest.Config) -> int:
    """Return how many workers pytest-xdist will start."""
    distributed: list[str] = getattr(config.option, "tx", None) or []
    counts = [spec.partition("*")[0] for spec in distributed if "*" in spec.partition("//")[0]]
    return len(distributed) - len(counts) + sum(int(count) for count in counts if count.isdecimal())
