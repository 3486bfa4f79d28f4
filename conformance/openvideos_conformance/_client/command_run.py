"""What a command did in one scenario, as it was recorded, and as the rules read it. Pure."""

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

TERMINAL = frozenset({"completed", "failed"})


@dataclass(frozen=True, kw_only=True)
class CommandRun:
    """One run of the command: what it sent, how it ended, and what it left on the disk."""

    scenario: str
    key: str
    wanted: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the command was told to ask for: the prompt, the size and the seconds."""
    exchanges: tuple[Exchange, ...] = ()
    """What the API was sent, in order."""
    foreign: tuple[Exchange, ...] = ()
    """What another origin was sent, to which the API had redirected."""
    broken: frozenset[int] = frozenset()
    """The numbers of the requests that the scenario answered in its own way."""
    exit_code: int | None = 0
    """None if it did not end in time."""
    output_tail: str = ""
    """The end of what it wrote."""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """What is in its directory after it."""
    media: bytes | None = None
    """The file that it was sent, whole, if it asked for one."""

    @property
    def is_done(self) -> bool:
        """Whether the command says that it did all it wanted."""
        return self.exit_code == 0

    def of(self, *operations: str) -> list[Exchange]:
        """Return the exchanges of these operations."""
        return [each for each in self.exchanges if each.operation in operations]

    def polls(self) -> dict[str, list[Exchange]]:
        """Return the requests for the status of each job, by its id."""
        found: dict[str, list[Exchange]] = {}
        for each in self.of("retrieve_video"):
            found.setdefault(each.ids.get("video_id", ""), []).append(each)
        return found

    def started(self) -> list[Exchange]:
        """Return the requests that start a job."""
        return self.of(*CREATING)


def legality(exchange: Exchange) -> Legality:
    """Judge what was sent by the contract."""
    return judge_request(
        contract(),
        exchange.operation or "",
        query=exchange.query,
        media_type=exchange.request_header("content-type") or "",
        body=exchange.request_body,
    )


def pairs(exchanges: Iterable[Exchange]) -> Iterable[tuple[Exchange, Exchange]]:
    """Return each exchange with the next."""
    return pairwise(exchanges)
