"""The suite's options for pytest, and the plugin that they ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .._core.capability_words import declared
from .._core.catalogue import UnknownRequirementError, known
from .._core.expected_failures import ExpectedFailuresError, read_expected
from .._core.target import Target
from .plugin import SuitePlugin

if TYPE_CHECKING:
    from collections.abc import Callable

_HELP = "openvideos-conformance run --help tells more"


def add_options(parser: pytest.Parser) -> None:
    """Add the options; what another plugin has already, such as --base-url, is shared with it."""
    group = parser.getgroup("openvideos", "judge a server that speaks the Videos API")
    taken = _taken(parser)

    def add(name: str, help_text: str, convert: Callable[[str], object] = str, **options: object) -> None:
        if name in taken:  # another plugin's option of this name is as good
            return
        group.addoption(name, help=help_text, type=convert, **options)

    add("--base-url", "where the API is, with its prefix, such as http://127.0.0.1:8000/v1")
    add("--api-key", f"the key; default: OPENVIDEOS_API_KEY. {_HELP}")
    add("--model", "a model that the server offers")
    add("--size", "a size that it offers, such as 720x1280")
    add("--seconds", "a duration that it offers")
    add("--failing-prompt", "a prompt that makes a job fail")
    add("--capabilities", "what the server offers, such as remix,-edits")
    add("--max-videos", "how many jobs may be started", int, default=40)
    add("--deadline", "how long to wait for jobs, in seconds", float, default=600.0)
    add("--answer-timeout", "how long to wait for an answer, in seconds", float, default=30.0)
    add("--only", "the only requirements to check, separated by commas")
    add("--suite-seed", "the seed of generated requests", int, default=0)
    add("--webhook-port", "where the server under test sends its events, on loopback", int)
    add("--webhook-secret", "the secret that it signs them with")
    add("--report", "the directory to write reports to", Path)
    add("--expected-failures", "a file of failures that are known", Path, dest="openvideos_expected_failures")
    group.addoption("--should-fails", action="store_true", help="let a violated SHOULD fail, too")


def _taken(parser: pytest.Parser) -> set[str]:
    """Return the names of the options that there are. pytest 8 notices a clash between groups too late to be told."""
    groups: list[Any] = [getattr(parser, "_anonymous", None), *getattr(parser, "_groups", ())]
    return {name for each in groups for option in getattr(each, "options", ()) for name in option.names()}


def plugin_of(config: pytest.Config) -> SuitePlugin:
    """Make the plugin that the options ask for."""
    option = config.option
    if not option.base_url:
        message = "give the server to judge: --base-url URL"
        raise pytest.UsageError(message)
    try:
        wanted, denied = declared(option.capabilities or "")
        only = known((option.only or "").replace(",", " ").split())
        expected = read_expected(option.openvideos_expected_failures)
    except (UnknownRequirementError, ExpectedFailuresError, ValueError) as problem:
        raise pytest.UsageError(str(problem)) from None
    target = Target(
        base_url=option.base_url,
        api_key=option.api_key or os.environ.get("OPENVIDEOS_API_KEY"),
        model=option.model,
        size=option.size,
        seconds=option.seconds,
        failing_prompt=option.failing_prompt,
        declared=wanted,
        denied=denied,
        max_videos=max(1, option.max_videos // _workers(config)),
        deadline=option.deadline,
        timeout=option.answer_timeout,
        seed=option.suite_seed,
        webhook_port=option.webhook_port,
        webhook_secret=option.webhook_secret,
    )
    return SuitePlugin(target, only=only, expected=expected, strict=option.should_fails, report=option.report)


def _workers(config: pytest.Config) -> int:
    """Return among how many workers of pytest-xdist a run is divided, if this process is one of them."""
    told: dict[str, Any] = getattr(config, "workerinput", {})
    return int(told.get("workercount", 1))
