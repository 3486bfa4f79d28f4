"""Hold what a command did in one scenario: the input of the rules for clients. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import videos_of
from .._core.operations import CREATING
from .._core.request_validation import judge_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._core.exchange import Exchange
    from .._core.request_validation import Legality

NEW_STATUS: Final = "finalizing"
"""A status that the contract does not have."""

MOST_RECORDED: Final = 8 << 20
"""How many bytes of a body are recorded; a list of 600 videos has fewer."""

MOST_CONTENT: Final = 4 << 20
"""How many bytes of a file of the command are kept; a list of 600 videos has fewer."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that the command wrote: how many bytes it has, their digest, and the first of them."""

    size: int
    digest: bytes
    content: bytes = b""

    @classmethod
    def of(cls, content: bytes) -> File:
        """Return a file with this content."""
        return cls(size=len(content), digest=hashlib.sha256(content).digest(), content=content[:MOST_CONTENT])


@dataclass(frozen=True, kw_only=True)
class CommandRun:
    """One run of the command: the requests that it sent, how it ended, and the files that it wrote."""

    scenario: str
    key: str
    wanted: Mapping[str, str] = field(default_factory=dict[str, str])
    """The prompt, the size and the seconds that the command was told to request."""
    upload: bytes | None = None
    """The file that the command was told to send as `input_reference`; None if it was told none."""
    exchanges: tuple[Exchange, ...] = ()
    """The exchanges with the API, in order."""
    foreign: tuple[Exchange, ...] = ()
    """The exchanges with another origin, to which the API had redirected."""
    problems: tuple[str, ...] = ()
    """What went wrong in the judge itself, so that the command is not to blame for what came of it."""
    changed: frozenset[int] = frozenset()
    """The numbers of the exchanges whose response the scenario changed."""
    lost: frozenset[int] = frozenset()
    """The numbers of the exchanges that started a job, of which the command was not told."""
    exit_code: int | None = 0
    """None if the command did not end in time."""
    limit: float = 0.0
    """How many seconds it had."""
    memory: int = 0
    """The most bytes of memory that it used; 0 if that is not known."""
    usual_memory: int = 0
    """The same of a run in which nothing went wrong; 0 if there was none."""
    output_tail: str = ""
    """The end of its output, without the key."""
    has_shown_key: bool = False
    """Whether the key was in its output."""
    files: Mapping[str, File] = field(default_factory=dict[str, File])
    """The files in its output directory, by their names."""
    media: Mapping[str, frozenset[bytes]] = field(default_factory=dict[str, frozenset[bytes]])
    """The digests of the right file of each job, by the job's id. There are two if the file changed meanwhile."""
    media_size: int = 0
    """How many bytes the right file has."""

    @property
    def is_done(self) -> bool:
        """Whether the command reported success."""
        return self.exit_code == 0

    @property
    def has_given_up(self) -> bool:
        """Whether the command reported a failure. One that was killed has said nothing."""
        return self.exit_code not in {0, None}

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

    def accepted(self) -> list[Exchange]:
        """Return the exchanges that started a job and told the command so."""
        return [each for each in self.started() if each.is_ok and each.number not in self.lost]

    def seen(self, video_id: str) -> list[tuple[Exchange, dict[str, Any]]]:
        """Return the Videos with an id that the command was given, each with its exchange, the last one last."""
        return self._seen.get(video_id, [])

    @cached_property
    def _seen(self) -> dict[str, list[tuple[Exchange, dict[str, Any]]]]:
        found: dict[str, list[tuple[Exchange, dict[str, Any]]]] = {}
        for each in self.exchanges:
            for video in videos_of(each) if each.number not in self.lost else ():
                found.setdefault(str(video.get("id")), []).append((each, video))
        return found

    def wanted_ids(self) -> list[str]:
        """Return the ids of the jobs with the prompt that the command was told to request.

        A client whose create had no response may have found its job in the list.
        """
        prompt = self.wanted.get("prompt")
        creates = [each for each in self.accepted() if prompt_of(each) == prompt]
        found = [str(each.object.get("id")) for each in creates if each.operation == "create_video"]
        if not found and self.lost:
            found = [each for each, seen in self._seen.items() if seen[0][1].get("prompt") == prompt]
        return found

    def right_files(self) -> frozenset[bytes]:
        """Return the digests that the downloaded file may have."""
        # Of a client that has sent another prompt, another requirement tells.
        known = self.wanted_ids() or [str(each.object.get("id")) for each in self.accepted()]
        return frozenset(digest for each in known for digest in self.media.get(each, ()))


@lru_cache(maxsize=256)  # the same request is asked about again and again
def _judged(operation: str, query: str, media_type: str, body: bytes) -> Legality:
    return judge_request(contract(), operation, query=query, media_type=media_type, body=body)


def legality(exchange: Exchange) -> Legality:
    """Judge the request of an exchange by the contract."""
    media_type = exchange.request_header("content-type") or ""
    return _judged(exchange.operation or "", exchange.query, media_type, exchange.request_body)


def prompt_of(exchange: Exchange) -> object:
    """Return the prompt of a request; None if it has none that can be read."""
    return legality(exchange).fields.get("prompt")


# ---------------------------------------------------------------- what was asked, and by how many
def asked(exchange: Exchange) -> tuple[str, str, str]:
    """Return what a request asks for, which is the same if it is sent again, also as another form."""
    fields = dict(legality(exchange).fields) if exchange.operation is not None else {}
    what = json.dumps(fields, sort_keys=True, default=repr) if fields else exchange.request_body.hex()
    return exchange.method, exchange.path, what or exchange.query


def by_ask(exchanges: list[Exchange]) -> list[list[Exchange]]:
    """Return the exchanges in groups that ask for the same."""
    found: dict[tuple[str, str, str], list[Exchange]] = {}
    for each in exchanges:
        found.setdefault(asked(each), []).append(each)
    return list(found.values())


def askers(exchanges: list[Exchange]) -> int:
    """Return how many of the exchanges were under way at the same time: a program that asks in turn has one."""
    return max((sum(other.began <= each.began < other.ended for other in exchanges) for each in exchanges), default=0)


def too_early(exchanges: list[Exchange], pauses: Mapping[int, float]) -> Iterator[tuple[Exchange, Exchange, float]]:
    """Yield each request that came too early after a response that asks for a pause, and by how many seconds it came.

    `pauses` are the seconds that the responses ask for, by the numbers of their exchanges. A request goes on from one
    response. If several askers were under way at the same time, each has a first request that goes on from none.
    """
    free: list[Exchange] = []
    newcomers = askers(exchanges)
    for request in sorted(exchanges, key=lambda each: each.began):
        free = sorted(free, key=lambda each: each.ended + pauses.get(each.number, 0.0))
        before = [each for each in free if each.ended <= request.began]
        ready = next((each for each in before if request.began - each.ended >= pauses.get(each.number, 0.0)), None)
        if ready is not None:
            free.remove(ready)
        elif newcomers:
            newcomers -= 1
        elif before:
            free.remove(before[0])
            yield before[0], request, request.began - before[0].ended
        free.append(request)
