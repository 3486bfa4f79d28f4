"""Register the rules for clients: the requirement that each judges, and the scenarios that exercise it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .._core.exchange import Exchange
    from .command_run import CommandRun

    Judge = Callable[[CommandRun], str | None]
    """Reads a command run, raises what is wrong with it, and may return a note on how it is right."""

CALM: Final = (
    "plain",
    "awkward-prompt",
    "slow",
    "slower",
    "long-job",
    "missing-keys",
    "unknown-fields",
    "huge-list",
    "short-pages",
    "upload",
    "huge-file",
)
"""The scenarios in which a client must succeed."""


GAVE_UP: Final = "gave up and said so"
"""The note on a command that ended with an error where another one goes on; both are right."""


@dataclass(frozen=True)
class ClientRule:
    """A rule, the requirement that it judges, and the scenarios that exercise it; an empty tuple means all."""

    requirement: str
    judge: Judge
    scenarios: tuple[str, ...] = ()


RULES: Final[list[ClientRule]] = []
"""All rules."""


def rule(requirement: str, *scenarios: str) -> Callable[[Judge], Judge]:
    """Register a function as the rule that judges a requirement in these scenarios; without any, in all."""

    def register(judge: Judge) -> Judge:
        RULES.append(ClientRule(requirement, judge, scenarios))
        return judge

    return register


def need(exchanges: Sequence[Exchange], what: str) -> None:
    """Expect that the command sent something.

    Raises:
        NotReachedError: It did not, so there is nothing to judge.

    """
    if not exchanges:
        raise NotReachedError(f"the command sent no {what}")


def verdicts(run: CommandRun) -> Iterator[tuple[ClientRule, str | Exception | None]]:
    """Judge a command run by every rule of its scenario; yield each rule with what it raised, or else its note."""
    for each in RULES:
        if each.scenarios and run.scenario not in each.scenarios:
            continue
        try:
            note = each.judge(run)
        except Exception as problem:  # noqa: BLE001 - the caller tells outcomes from errors
            yield each, problem
        else:
            yield each, note
