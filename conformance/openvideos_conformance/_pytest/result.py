"""Make a run of what the suite's plugin has collected, and write its reports."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from .._core.contract import contract
from .._core.evidence import redacted, secrets_of
from .._core.run_result import Run
from .._core.verdicts import judge

if TYPE_CHECKING:
    from pathlib import Path

    from .._core.target import Target
    from .plugin import SuitePlugin


def collected(plugin: SuitePlugin) -> Run:
    """Return the run as it is now; what was not judged by now is not reached."""
    secrets = secrets_of(plugin.target)
    problem = None if plugin.problem is None else redacted(plugin.problem, secrets)
    unreached = "no check of it was run"
    if problem is not None:
        unreached = f"the run ended before it was judged: {problem}"
    elif plugin.is_interrupted:
        unreached = "the run was interrupted before it was judged"
    results = judge(
        plugin.requirements,
        plugin.observations,
        expected=plugin.expected,
        strict=plugin.strict,
        unreached=unreached,
    )
    return Run(
        suite=suite_version(),
        contract=str(contract().document["info"]["version"]),
        target=redacted(_shown(plugin.target), secrets),
        results=tuple(results),
        began=datetime.fromtimestamp(plugin.began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.time() - plugin.began,
        seed=plugin.target.seed,
        capabilities=plugin.capabilities,
        videos_started=plugin.videos_started,
        left_over=tuple(redacted(each, secrets) for each in plugin.left_over),
        is_interrupted=plugin.is_interrupted,
        is_strict=plugin.strict,
        problem=problem,
    )


def suite_version() -> str:
    """Return the version of the distribution that the suite is in."""
    try:
        return version("openvideos")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"


def write(run: Run, directory: Path) -> list[Path]:
    """Write every report of a run into a directory, which is made if it is not there; return the files.

    Raises:
        OSError: One could not be written.

    """
    from .._reports.badge import to_badge
    from .._reports.html import to_html
    from .._reports.json import to_json
    from .._reports.junit import to_junit

    directory.mkdir(parents=True, exist_ok=True)
    makers = {"report.html": to_html, "report.json": to_json, "junit.xml": to_junit, "badge.svg": to_badge}
    return [save(directory / name, make(run)) for name, make in makers.items()]


def save(path: Path, text: str) -> Path:
    """Write a text as UTF-8; a lone surrogate, which a server may have sent, is spelled as JSON spells it."""
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    return path


def _shown(target: Target) -> dict[str, object]:
    return {
        "base_url": target.base_url,
        "model": target.model,
        "size": target.size,
        "seconds": target.seconds,
        "failing_prompt": target.failing_prompt,
        "max_videos": target.max_videos,
        "deadline": target.deadline,
        "timeout": target.timeout,
    }
