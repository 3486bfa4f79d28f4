"""Hold the state of a run of the suite, and derive its result. Does not depend on pytest."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .._core.catalogue import Requirement, catalogue
from .._core.contract import contract
from .._core.redaction import redacted, secrets_of
from .._core.run_result import RunResult, suite_version
from .._core.verdicts import judge
from .._server.cleanup import what_remains

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .._core.target import Target
    from .._core.verdicts import Observation
    from .._server.recording_client import RecordingClient


@dataclass(slots=True, kw_only=True)
class RunState:
    """The state of a run. `observations` are those of its checks, in their order.

    `only` are the ids of the requirements to judge; if it is empty, all are judged. `report` is the directory for the
    reports of a run that pytest has started.
    """

    target: Target
    only: frozenset[str] = frozenset()
    expected: Mapping[str, str] = field(default_factory=dict[str, str])
    strict: bool = False
    report: Path | None = None

    client: RecordingClient | None = None
    observations: list[Observation] = field(default_factory=list["Observation"])
    capabilities: dict[str, bool] = field(default_factory=dict[str, bool])
    needed_jobs: set[str] = field(default_factory=lambda: {"plain"})
    most_videos: int = 0
    """How many jobs the selected checks start at most."""
    left_over: list[str] = field(default_factory=list[str])
    unaccounted: list[str] = field(default_factory=list[str])
    """Sentences about creates whose jobs could not be found, and may still run."""
    problem: str | None = None
    """Why the run has no verdict, or an incomplete one."""
    is_interrupted: bool = False
    is_overdue: bool = False
    """Whether a check waited for a job in vain."""
    has_ended_job: bool = False
    is_cleaned_up: bool = True
    began: float = field(default_factory=time.time)
    started_by_workers: int = 0

    @property
    def requirements(self) -> list[Requirement]:
        """The requirements that this run judges."""
        return [each for each in catalogue().values() if not self.only or each.id in self.only]

    @property
    def videos_started(self) -> int:
        """How many jobs the run has started, in this process and in worker processes."""
        return self.started_by_workers + (self.client.videos_started if self.client else 0)

    def end(self) -> None:
        """Record, after all checks, whether no job ended in time, and which jobs were not deleted."""
        is_overdue = self.is_overdue and not self.has_ended_job and not self.is_interrupted
        if is_overdue and self.problem is None:
            deadline = self.target.deadline
            self.problem = f"no job ended within the deadline of {deadline:g} s; allow more time with --deadline"
        if self.client is not None and not self.is_cleaned_up:
            remains = what_remains(self.client)
            self.left_over, self.unaccounted = remains.left_over, remains.unaccounted

    def for_controller(self) -> dict[str, Any]:
        """Return what a worker process sends to the controller beside its observations."""
        return {
            "problem": self.problem,
            "capabilities": self.capabilities,
            "left_over": self.left_over,
            "unaccounted": self.unaccounted,
            "videos_started": self.videos_started,
        }

    def add_worker(self, sent: Mapping[str, Any]) -> None:
        """Add what a worker process has sent when it ended."""
        self.problem = self.problem or sent["problem"]
        self.capabilities |= sent["capabilities"]
        self.left_over += sent["left_over"]
        self.unaccounted += sent["unaccounted"]
        self.started_by_workers += sent["videos_started"]

    def result(self) -> RunResult:
        """Return the result of the run. Requirements without an observation are not exercised."""
        secrets = secrets_of(self.target)
        problem = None if self.problem is None else redacted(self.problem, secrets)
        unreached = "no check of it was run"
        if problem is not None:
            unreached = f"the run ended before it was judged: {problem}"
        elif self.is_interrupted:
            unreached = "the run was interrupted before it was judged"
        results = judge(
            self.requirements,
            self.observations,
            expected=self.expected,
            strict=self.strict,
            unreached=unreached,
        )
        return RunResult(
            suite=suite_version(),
            contract=str(contract().document["info"]["version"]),
            target=redacted(_shown(self.target), secrets),
            results=tuple(results),
            began=datetime.fromtimestamp(self.began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=time.time() - self.began,
            seed=self.target.seed,
            capabilities=self.capabilities,
            videos_started=self.videos_started,
            not_kept=sum(not each.is_kept for each in self.client.history) if self.client is not None else 0,
            left_over=tuple(redacted(each, secrets) for each in self.left_over),
            unaccounted=tuple(self.unaccounted),
            is_interrupted=self.is_interrupted,
            is_strict=self.strict,
            problem=problem,
        )


def _shown(target: Target) -> dict[str, object]:
    return {
        "base_url": target.base_url,
        "model": target.model,
        "size": target.size,
        "seconds": target.seconds,
        "profile": target.profile,
        "failing_prompt": target.failing_prompt,
        "max_videos": target.max_videos,
        "deadline": target.deadline,
        "timeout": target.timeout,
        "rate": target.rate,
        "examples": target.examples,
        "generation_time": target.generation_time,
        "webhook_patience": target.webhook_patience,
    }
