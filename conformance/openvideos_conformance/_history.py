"""Judge the recorded traffic of a run, by rules. Pure: a history in, findings out.

A rule looks at every exchange, whoever sent it: scenarios, the thread that follows the jobs, generated requests. It
says how many instances it could judge, too, so that a rule which nothing put to the test is no pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ._exchanges import videos_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._exchanges import Exchange

History = "Sequence[Exchange]"


class Finding(NamedTuple):
    """One way in which the history breaks a rule: a sentence, and the exchanges that show it."""

    message: str
    exchanges: tuple[Exchange, ...]


class Judged(NamedTuple):
    """What a rule says of a history: what breaks it, and how many instances could be judged."""

    findings: list[Finding]
    instances: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the history, and the requirement that it is a check of. `needs` says what puts it to the test."""

    requirement: str
    name: str
    needs: str
    judge: Callable[[Sequence[Exchange]], Judged]


def _ids_are_those_asked_for(history: Sequence[Exchange]) -> Judged:
    findings: list[Finding] = []
    instances = 0
    for exchange in history:
        if exchange.operation != "retrieve_video":
            continue
        for video in videos_of(exchange):
            instances += 1
            if video.get("id") != exchange.ids["video_id"]:
                findings.append(
                    Finding(
                        f"the id {exchange.ids['video_id']!r} was asked for, and {video.get('id')!r} came", (exchange,)
                    )
                )
    return Judged(findings, instances)


RULES = (
    Rule(
        "VID-RETRIEVE-002",
        "the id of a job is the one that was asked for",
        "a job that is retrieved",
        _ids_are_those_asked_for,
    ),
)
