"""The suite as a plugin of pytest: the order of its checks, and what becomes of their outcomes."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from .._core.catalogue import Level, catalogue
from .._core.evidence import evidence, redacted, secrets_of
from .._core.outcomes import NotReachedError, OutcomeError, OverdueError, UnsupportedError, ViolationError
from .._core.verdicts import Observation, Outcome
from .._server.preflight import is_alive
from . import fixtures
from .marker import Check, check_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from .._core.catalogue import Requirement
    from .._core.exchange import Exchange
    from .._core.target import Target
    from .._server.recording_client import Wire

_SHOWN_EXCHANGES: Final = 4
_SENT: Final = ("problem", "capabilities", "left_over", "videos_started")
"""What a worker tells the process that collects."""
CANNOT_JUDGE: Final = 2
"""The exit code of a run that can say nothing."""


class SuitePlugin:
    """What a run of the suite is, for pytest. `observations` are what its checks saw, in their order."""

    def __init__(
        self,
        target: Target,
        *,
        only: Sequence[str] = (),
        expected: Mapping[str, str] | None = None,
        strict: bool = False,
        report: Path | None = None,
        wire: Wire | None = None,
    ) -> None:
        """Judge this server."""
        self.target = target
        self.only = frozenset(only)
        self.expected = dict(expected or {})
        self.strict = strict
        self.report = report
        self.observations: list[Observation] = []
        self.problem: str | None = None
        self.is_interrupted = False
        self.capabilities: dict[str, bool] = {}
        self.left_over: list[str] = []
        self.is_overdue = False
        self.has_ended_job = False
        self.is_cleaned_up = True
        self.began = time.time()
        self.wire = wire
        self._started_by_workers = 0
        self.needed_jobs = {"plain"}

    @property
    def requirements(self) -> list[Requirement]:
        """The requirements that this run judges."""
        return [each for each in catalogue().values() if not self.only or each.id in self.only]

    @property
    def videos_started(self) -> int:
        """How many jobs the run has started, in this process and in its workers."""
        return self._started_by_workers + (self.wire.videos_started if self.wire else 0)

    # ---------------------------------------------------------------- hooks
    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker of the checks, and the fixtures."""
        config.addinivalue_line("markers", "openvideos_check(check): what a scenario checks, and what it needs")
        config.pluginmanager.register(fixtures)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is not asked for, and put the rest in the order of its phases."""
        left: list[tuple[Check, pytest.Item]] = []
        out: list[pytest.Item] = []
        for item in items:
            check = check_of(item)
            if check is not None and (not self.only or check.requirement in self.only):
                left.append((check, item))
            else:
                out.append(item)
        left.sort(key=lambda pair: pair[0].phase)  # stable: within a phase, the order of the files
        items[:] = [item for _, item in left]
        config.hook.pytest_deselected(items=out)
        for check, _ in left:
            self.needed_jobs |= set(check.jobs)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Make an observation of how a check ended, and show it as pytest shows such ends."""
        report = yield
        check = check_of(item)
        if check is None:
            return report
        observation = self._observed(item, check, call)
        if observation is not None:
            report.openvideos = _as_json(observation)  # type: ignore[attr-defined]  # workers send what a report has
            if observation.outcome is Outcome.VIOLATED:
                report.longrepr = _told(observation)
            self._show(report, observation)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a check saw; with several workers, this is where all of it arrives."""
        kept = getattr(report, "openvideos", None)
        if kept is not None:
            self.observations.append(_of_json(kept))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that the run was broken off; pytest takes giving up for an interrupt, too."""
        self.is_interrupted = self.is_interrupted or isinstance(excinfo.value, KeyboardInterrupt)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports, or tell the process that collects what it needs for them. All jobs are deleted by now."""
        if self.is_overdue and not self.has_ended_job and self.problem is None:
            deadline = self.target.deadline
            self.problem = f"no job ended within the deadline of {deadline:g} s; give it longer with --deadline"
        sent: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if sent is not None:
            sent["openvideos"] = {name: getattr(self, name) for name in _SENT}
        elif self.report is not None:
            from .result import collected, write

            write(collected(self), self.report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has told at its end."""
        told: dict[str, Any] = getattr(node, "workeroutput", {}).get("openvideos", {})
        if told:
            self.problem = self.problem or told["problem"]
            self.capabilities |= told["capabilities"]
            self.left_over += told["left_over"]
            self._started_by_workers += told["videos_started"]

    # ---------------------------------------------------------------- outcomes
    def give_up(self, reason: str) -> NoReturn:
        """End the run: no verdict is possible."""
        self.problem = reason
        pytest.exit(reason, returncode=CANNOT_JUDGE)

    def _observed(self, item: pytest.Item, check: Check, call: pytest.CallInfo[None]) -> Observation | None:
        exchanges: tuple[Exchange, ...] = ()
        if call.excinfo is None:
            if call.when != "call":
                return None
            outcome, message = Outcome.PASSED, ""
        else:
            error = call.excinfo.value
            if isinstance(error, pytest.exit.Exception | KeyboardInterrupt):
                return None
            outcome, message = _outcome(error), str(error)
            exchanges = error.exchanges if isinstance(error, OutcomeError) else ()
            self.is_overdue = self.is_overdue or isinstance(error, OverdueError)
            if outcome is Outcome.ERROR:
                message = f"the suite itself failed: {type(error).__name__}: {error}"
            self._notice_a_dead_server(item, exchanges)
        secrets = secrets_of(self.target)
        shown = tuple(evidence(each, self.target.base_url, secrets) for each in exchanges[:_SHOWN_EXCHANGES])
        return Observation(
            requirement=check.requirement,
            check=item.name,
            layer=check.layer,
            outcome=outcome,
            message=redacted(message, secrets),
            evidence=shown,
        )

    def _notice_a_dead_server(self, item: pytest.Item, exchanges: tuple[Exchange, ...]) -> None:
        has_answer = not exchanges or any(exchange.status is not None for exchange in exchanges)
        if has_answer or self.wire is None or is_alive(self.wire):
            return
        self.problem = f"{self.target.base_url} no longer answers: {exchanges[0].failure}"
        item.session.shouldstop = self.problem

    def _show(self, report: pytest.TestReport, observation: Observation) -> None:
        level = catalogue()[observation.requirement].level
        if observation.outcome is Outcome.VIOLATED and self._is_tolerated(observation.requirement, level):
            report.outcome, report.wasxfail = "skipped", observation.message
        elif observation.outcome in {Outcome.NOT_REACHED, Outcome.UNSUPPORTED}:
            report.outcome = "skipped"
            where = report.location
            report.longrepr = (where[0], where[1] or 0, f"{observation.outcome}: {observation.message}")

    def _is_tolerated(self, requirement: str, level: Level) -> bool:
        return requirement in self.expected or (level is not Level.MUST and not self.strict)


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, ViolationError):
        return Outcome.VIOLATED
    if isinstance(error, NotReachedError):
        return Outcome.NOT_REACHED
    return Outcome.UNSUPPORTED if isinstance(error, UnsupportedError) else Outcome.ERROR


def _told(observation: Observation) -> str:
    lines = [f"{observation.requirement}: {observation.message}"]
    lines += [f"    {shown['curl']}" for shown in observation.evidence]
    return "\n".join(lines)


def _as_json(observation: Observation) -> dict[str, Any]:
    """Return an observation as what a worker can send to the process that collects."""
    return {**dataclasses.asdict(observation), "outcome": str(observation.outcome)}


def _of_json(kept: dict[str, Any]) -> Observation:
    values: dict[str, Any] = {**kept, "outcome": Outcome(kept["outcome"]), "evidence": tuple(kept["evidence"])}
    return Observation(**values)
