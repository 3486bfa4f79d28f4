"""Hold the result of a run: its facts, the result of each requirement, counts, and the exit code. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from .catalogue import Level
from .profiles import judge_profiles
from .verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .profiles import ProfileResult
    from .verdicts import Result

JUDGED: Final = (Verdict.PASS, Verdict.FAIL, Verdict.WARN)
"""The verdicts of requirements that were exercised."""

AREAS: Final = {
    "CREATE": "Create",
    "RETRIEVE": "Retrieve",
    "LIFE": "Lifecycle",
    "LIST": "List",
    "CONTENT": "Content",
    "DELETE": "Delete",
    "REMIX": "Remix",
    "EDIT": "Edits",
    "EXTEND": "Extensions",
    "CHAR": "Characters",
    "MODELS": "Discovery",
    "SAMPLE": "Sampling",
    "REFS": "References",
    "ERROR": "Errors",
    "VALID": "Validation",
    "AUTH": "Authentication",
    "IDEM": "Idempotency",
    "HEADER": "Headers",
    "ROBUST": "Robustness",
    "HOOK": "Webhooks",
}
"""The areas of the catalogue by the middle of an id, in the order in which reports show them."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run, which may have been interrupted. It holds no secret."""

    suite: str
    contract: str
    target: Mapping[str, object]
    """The server, and the options of the run."""
    results: tuple[Result, ...]
    began: str = ""
    seconds: float = 0.0
    seed: int = 0
    capabilities: Mapping[str, bool] = field(default_factory=dict[str, bool])
    videos_started: int = 0
    left_over: tuple[str, ...] = ()
    """The ids of jobs that could not be deleted."""
    unaccounted: tuple[str, ...] = ()
    """Sentences about creates whose jobs could not be found, and may still run."""
    not_kept: int = 0
    """How many responses were not judged, since the run had no room for them."""
    is_interrupted: bool = False
    is_strict: bool = False
    problem: str | None = None
    """Why the run has no verdict, or an incomplete one; None if it has one."""

    @property
    def base_url(self) -> str:
        """The base URL of the server; empty if a client was judged."""
        return str(self.target.get("base_url", ""))

    @property
    def subject(self) -> str:
        """What was judged: the base URL of the server, or the command of the client."""
        return self.base_url or str(self.target.get("command", ""))

    @property
    def failures(self) -> list[Result]:
        """The results that make the run fail, in the catalogue's order."""
        return [result for result in self.results if result.counts]

    @cached_property
    def profiles(self) -> tuple[ProfileResult, ...]:
        """The verdict on each profile, the smallest first; none if a client was judged."""
        if not self.base_url:
            return ()
        within = self.target.get("profile")
        is_whole = self.problem is None and not self.is_interrupted
        return judge_profiles(
            self.results,
            revision=self.contract,
            within=None if within is None else str(within),
            problem="" if is_whole else "the run did not come to its end",
        )

    @property
    def exit_code(self) -> int:
        """0: no MUST failed; 1: a MUST failed; 2: no MUST failed, but the run could not judge everything."""
        if self.problem is not None or self.is_interrupted:
            return 2
        if self.failures:
            return 1
        return 2 if any(result.verdict is Verdict.ERROR for result in self.results) else 0

    def counts(self, level: Level | None = None) -> dict[Verdict, int]:
        """Return how many requirements, of one level or of all, have each verdict."""
        counted = dict.fromkeys(Verdict, 0)
        for result in self.results:
            if level is None or result.requirement.level is level:
                counted[result.verdict] += 1
        return counted

    def kept(self, level: Level) -> tuple[int, int]:
        """Return how many requirements of a level pass, and how many were exercised."""
        counted = self.counts(level)
        return counted[Verdict.PASS], sum(counted[verdict] for verdict in JUDGED)


def area_of(requirement: str) -> str:
    """Return the key of a requirement's area: `LIST` for VID-LIST-003."""
    return requirement.split("-")[1]


def area_name(area: str) -> str:
    """Return the heading of an area."""
    return AREAS.get(area, area.capitalize())


def headline(run: RunResult) -> str:
    """Return the result of the run as a sentence."""
    if run.problem is not None:
        return f"No verdict: {run.problem}"
    if run.is_interrupted:
        return "The run was interrupted: requirements that were not exercised by then were not judged"
    errors = run.counts()[Verdict.ERROR]
    if errors:
        return f"The suite itself failed in {plural(errors, 'requirement')}, which is no verdict; please report it"
    kept, tested = run.kept(Level.MUST)
    sentence = f"{kept} of {plural(tested, 'MUST requirement')} {'passes' if 1 in (kept, tested) else 'pass'}"
    sentence = sentence if tested else "No MUST requirement was exercised"
    known = sum(1 for result in run.results if result.verdict is Verdict.FAIL and result.expected is not None)
    stale = sum(1 for result in run.results if result.is_stale)
    unexercised = 0 if run.base_url else run.counts(Level.MUST)[Verdict.NOT_REACHED]
    notes = [
        *([f"{unexercised} {'was' if unexercised == 1 else 'were'} not exercised"] if unexercised else []),
        *([f"{plural(known, 'failure')} {'was' if known == 1 else 'were'} expected"] if known else []),
        *([f"{plural(run.not_kept, 'response')} had no room and went unjudged"] if run.not_kept else []),
        *([f"{plural(stale, 'expected failure')} did not happen"] if stale else []),
    ]
    return "; ".join([sentence, *notes])


def suite_version() -> str:
    """Return the version of the distribution that the suite is in."""
    try:
        return version("openvideos")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
