"""Hold what a command did in one scenario: the input of the rules for clients. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from .._core.contract import contract
from .._core.operations import CREATING
from .._core.request_validation import judge_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._core.exchange import Exchange
    from .._core.request_validation import Legality


@dataclass(frozen=True, kw_only=True)
class CommandRun:
    """One run of the command: the requests that it sent, how it ended, and the files that it wrote."""

    scenario: str
    key: str
    wanted: Mapping[str, str] = field(default_factory=dict[str, str])
    """The prompt, the size and the seconds that the command was told to request."""
    exchanges: tuple[Exchange, ...] = ()
    """The exchanges with the API, in order."""
    foreign: tuple[Exchange, ...] = ()
    """The exchanges with another origin, to which the API had redirected."""
    broken: frozenset[int] = frozenset()
    """The numbers of the exchanges whose response the scenario changed."""
    exit_code: int | None = 0
    """None if the command did not end in time."""
    output_tail: str = ""
    """The end of its output."""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """The files in its output directory, by their names."""
    media: bytes | None = None
    """The complete file of the video that it downloaded; None if it downloaded none."""

    @property
    def is_done(self) -> bool:
        """Whether the command reported success."""
        return self.exit_code == 0

    def of(self, *operations: str) -> list[Exchange]:
        """Return the exchanges of these operations."""
        return [each for each in self.exchanges if each.operation in operations]

    def polls(self) -> dict[str, list[Exchange]]:
        """Return the exchanges that retrieve each job, by the job's id."""
        found: dict[str, list[Exchange]] = {}
        for each in self.of("retrieve_video"):
            found.setdefault(each.ids.get("video_id", ""), []).append(each)
        return found

    def started(self) -> list[Exchange]:
        """Return the exchanges of the operations that start a job."""
        return self.of(*CREATING)


def legality(exchange: Exchange) -> Legality:
    """Judge the request of an exchange by the contract."""
    return judge_request(
        contract(),
        exchange.operation or "",
        query=exchange.query,
        media_type=exchange.request_header("content-type") or "",
        body=exchange.request_body,
    )


def pairs(exchanges: Iterable[Exchange]) -> Iterable[tuple[Exchange, Exchange]]:
    """Return each exchange with the one that follows it."""
    return pairwise(exchanges)
