"""Adapt a run of the suite to pytest: order the checks, and record their outcomes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from .._core.catalogue import Level, catalogue
from .._core.evidence import SHOWN_EXCHANGES, evidence, more_findings
from .._core.outcomes import Finding, NotReachedError, OutcomeError, OverdueError, UnsupportedError, ViolationError
from .._core.redaction import redacted, secrets_of
from .._core.sanitize import one_line
from .._core.verdicts import Observation, Outcome
from .._reports.write import write
from .._server.capabilities import DETECTED_BY
from .._server.preflight import is_alive
from . import fixtures
from .budget import most_jobs
from .marker import Check, check_of, denial

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._core.exchange import Exchange
    from .run_state import RunState


class SuitePlugin:
    """The pytest hooks of a run. They record everything in its state."""

    def __init__(self, state: RunState) -> None:
        """Record in this state."""
        self.state = state

    # ---------------------------------------------------------------- hooks
    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker of the checks, and the fixtures."""
        config.addinivalue_line(
            "markers", "openvideos_check(check): the requirement that a check judges, and what it needs"
        )
        config.stash[fixtures.STATE] = self.state
        config.pluginmanager.register(fixtures)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect the checks of other requirements than those requested, and sort the rest by phase."""
        kept: list[tuple[Check, pytest.Item]] = []
        out: list[pytest.Item] = []
        for item in items:
            check = check_of(item)
            if check is not None and (not self.state.only or check.requirement in self.state.only):
                kept.append((check, item))
            else:
                out.append(item)
        kept.sort(key=lambda pair: pair[0].phase)  # stable: within a phase, the order of the files
        items[:] = [item for _, item in kept]
        config.hook.pytest_deselected(items=out)
        state = self.state
        judged = [check for check, _ in kept if not denial(check, state.target)]
        if not judged:
            state.needed_jobs.clear()  # nothing will be sent
        for check in judged:
            capabilities = {catalogue()[check.requirement].capability, check.capability}
            state.needed_jobs |= {*check.jobs, *(job for name, job in DETECTED_BY.items() if name in capabilities)}
        pairs = [(check, getattr(item, "fixturenames", ())) for check, item in kept]
        state.most_videos = most_jobs(pairs, state.needed_jobs, state.target.denied, state.target.max_videos)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """End a check that the operator excludes, before its fixtures start a job."""
        check = check_of(item)
        reason = denial(check, self.state.target) if check is not None else None
        if reason is not None:
            raise UnsupportedError(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record how a check ended as an observation, and translate it into an outcome of pytest."""
        report = yield
        check = check_of(item)
        if check is None:
            return report
        observation = self._observation(item, check, call)
        if observation is not None:
            report.openvideos = _as_json(observation)  # type: ignore[attr-defined]  # pytest-xdist sends the attributes of a report
            if observation.outcome is Outcome.VIOLATED:
                report.longrepr = _failure_text(observation)
            self._show(report, observation)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the observation of a check; with several workers, all observations arrive here."""
        sent = getattr(report, "openvideos", None)
        if sent is not None:
            self.state.observations.append(_of_json(sent))

    @pytest.hookimpl(tryfirst=True)  # pytest's own may fail
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Record that the user interrupted the run. pytest calls this for `pytest.exit`, too."""
        self.state.is_interrupted = self.state.is_interrupted or isinstance(excinfo.value, KeyboardInterrupt)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports or, in a worker, send the controller what it needs for them. All jobs are deleted."""
        self.state.end()
        sent: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if sent is not None:
            sent["openvideos"] = self.state.for_controller()
        elif self.state.report is not None:
            write(self.state.result(), self.state.report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a pytest-xdist worker has sent when it ended."""
        sent: dict[str, Any] = getattr(node, "workeroutput", {}).get("openvideos", {})
        if sent:
            self.state.add_worker(sent)

    # ---------------------------------------------------------------- outcomes
    def _observation(self, item: pytest.Item, check: Check, call: pytest.CallInfo[None]) -> Observation | None:
        exchanges: tuple[Exchange, ...] = ()
        findings: tuple[Finding, ...] = ()
        target = self.state.target
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
            findings = error.findings if isinstance(error, ViolationError) else ()
            self.state.is_overdue = self.state.is_overdue or isinstance(error, OverdueError)
            if outcome is Outcome.ERROR:
                message = f"the suite itself failed: {type(error).__name__}: {error}"
            self._stop_if_server_is_dead(item, exchanges)
            self._stop_if_waiting_is_of_no_use(item)
        secrets = secrets_of(target)
        shown = tuple(evidence(each, target.base_url, secrets) for each in exchanges[-SHOWN_EXCHANGES:])
        return Observation(
            requirement=check.requirement,
            check=item.name,
            layer=check.layer,
            outcome=outcome,
            message=redacted(message, secrets),
            evidence=shown,
            statuses=tuple(sorted(findings[0].statuses)) if findings else (),
            more=more_findings(findings, target.base_url, secrets),
            seconds=round(call.duration, 3),
        )

    def _stop_if_server_is_dead(self, item: pytest.Item, exchanges: tuple[Exchange, ...]) -> None:
        state = self.state
        has_response = not exchanges or any(exchange.status is not None for exchange in exchanges)
        if has_response or state.client is None or is_alive(state.client):
            return
        reason = redacted(exchanges[0].failure, secrets_of(state.target))
        state.problem = one_line(f"{state.target.base_url} no longer responds: {reason}")
        item.session.shouldstop = state.problem

    def _stop_if_waiting_is_of_no_use(self, item: pytest.Item) -> None:
        state = self.state
        if state.client is not None and state.client.gate.is_of_no_use and state.problem is None:
            state.problem = (
                f"{state.target.base_url} is overloaded, or limits requests: the last were refused with 429 or 503, "
                "also after all waiting, or had no response within --timeout; allow more time with --deadline, or send "
                "fewer requests with --rate"
            )
            item.session.shouldstop = state.problem

    def _show(self, report: pytest.TestReport, observation: Observation) -> None:
        level = catalogue()[observation.requirement].level
        if observation.outcome is Outcome.VIOLATED and self._is_tolerated(observation.requirement, level):
            report.outcome, report.wasxfail = "skipped", one_line(observation.message)
        elif observation.outcome in {Outcome.NOT_REACHED, Outcome.UNSUPPORTED}:
            report.outcome = "skipped"
            where = report.location
            report.longrepr = (where[0], where[1] or 0, f"{observation.outcome}: {one_line(observation.message)}")

    def _is_tolerated(self, requirement: str, level: Level) -> bool:
        return requirement in self.state.expected or (level is not Level.MUST and not self.state.strict)


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, ViolationError):
        return Outcome.VIOLATED
    if isinstance(error, NotReachedError):
        return Outcome.NOT_REACHED
    return Outcome.UNSUPPORTED if isinstance(error, UnsupportedError) else Outcome.ERROR


def _failure_text(observation: Observation) -> str:
    lines = [f"{observation.requirement}: {one_line(observation.message)}"]
    lines += [f"    {one_line(shown['curl'])}" for shown in observation.evidence]
    return "\n".join(lines)


def _as_json(observation: Observation) -> dict[str, Any]:
    """Return an observation as values that a worker can send to the controller."""
    return {**dataclasses.asdict(observation), "outcome": str(observation.outcome)}


def _of_json(sent: dict[str, Any]) -> Observation:
    values: dict[str, Any] = {**sent, "outcome": Outcome(sent["outcome"]), "evidence": tuple(sent["evidence"])}
    values |= {"statuses": tuple(sent["statuses"]), "more": tuple(sent["more"])}
    return Observation(**values)
