"""Delete the jobs that a run has started. Those that cannot be deleted or found are reported, since they cost money."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from .._core.exchange import CLEANUP
from .._core.operations import CREATING, video_path
from .._core.own_jobs import created_ids, deleted_ids, lost_creates, other_callers_ids, undeleted_ids
from .._core.run_result import plural
from .pages import newest_pages, videos_on

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from .._core.exchange import Exchange
    from .recording_client import RecordingClient

_LONGEST: Final = 60.0
"""How many seconds the deletion may take, if jobs are not given less time by --deadline."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_SLACK: Final = 3600
"""How many seconds the clock of the server may be behind ours."""

_TRIES: Final = 4
"""How often a deletion is tried again that was refused for good."""

_BUSY: Final = frozenset({409, 423, 429, 503})
"""The statuses of a deletion that may succeed later."""

_GONE: Final = frozenset({404, 410})
_NO_DELETION: Final = frozenset({405, 501})
"""The statuses of a deletion that the server does not offer."""

_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Remains:
    """What a run leaves behind."""

    left_over: list[str]
    """The ids of jobs that could not be deleted."""
    unaccounted: list[str]
    """Sentences about creates whose jobs could not be found."""


class _Search:
    """The jobs of the run that the list shows. `is_answered` says whether there was a list at the last look."""

    def __init__(self, client: RecordingClient) -> None:
        self._client = client
        self.ids: dict[str, None] = {}
        self.is_answered = False

    def look(self) -> None:
        """Read the newest pages of the list, back to the beginning of the run, for the run's mark."""
        client = self._client
        began = client.history[0].at - _SLACK if client.history else 0.0
        for page in newest_pages(client, layer=CLEANUP):
            self.is_answered = page.is_ok
            videos = videos_on(page)
            marked = [each for each in videos if client.run_id in str(each.get("prompt"))]
            self.ids |= {video["id"]: None for video in marked if isinstance(video.get("id"), str)}
            times = [each["created_at"] for each in videos if isinstance(each.get("created_at"), int | float)]
            if min(times, default=began) < began:
                return


def clean_up(
    client: RecordingClient,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Remains:
    """Start no more jobs; delete each job of the run that still exists, for a limited time; return what is left.

    Jobs whose create had no response are found in the list by the run's mark, at once or a little later. A deletion
    that is refused because the job still runs is tried again.
    """
    client.starts.limit(0)
    end, pause = clock() + min(_LONGEST, client.target.deadline), _FIRST_PAUSE
    search, gone = _Search(client), set[str]()
    turn = 0
    while True:
        client.gate.limit(end - clock())
        search.look()
        is_busy = False
        for video_id in what_remains(client, search.ids, gone).left_over:
            exchange = _deletion(client, video_id)
            if exchange.status in _GONE and not _is_there(client, video_id):
                gone.add(video_id)
            is_busy = is_busy or exchange.status is None or exchange.status in _BUSY
            if exchange.status in _NO_DELETION or clock() > end:
                return what_remains(client, search.ids, gone)
        remains = what_remains(client, search.ids, gone)
        may_appear = bool(remains.unaccounted) and search.is_answered and _is_one_marked(client)
        is_worth_it = is_busy or may_appear or turn < _TRIES
        if not (remains.left_over or may_appear) or not is_worth_it or clock() + pause > end:
            return remains
        sleep(pause)
        turn, pause = turn + 1, min(2 * pause, _LONGEST_PAUSE)


def what_remains(client: RecordingClient, found: Iterable[str] = (), gone: Collection[str] = ()) -> Remains:
    """Return what is left if the list shows the jobs in `found`, and those in `gone` do not exist any more. Pure."""
    history = client.history
    over = deleted_ids(history) | set(gone)
    left = [video_id for video_id in dict.fromkeys([*found, *undeleted_ids(history)]) if video_id not in over]
    creates = lost_creates(history)
    unmarked = [each for each in creates if client.run_id.encode() not in each.request_body]
    lost = len(creates) + client.starts.unsettled
    doubtful = sum(each.operation in CREATING and each.status == _SERVER_ERROR for each in history)
    # What was found may be the job of a create that returned 500, too.
    without = min(lost, lost + doubtful - len(set(found) - created_ids(history)))
    marked = without - len(unmarked)
    return Remains(left, [*_marked(marked, client.run_id), *_unmarked(unmarked[: max(0, without)])])


def _is_there(client: RecordingClient, video_id: str) -> bool:
    """Tell whether a job exists although its deletion returned 404, as where a server has no deletion."""
    path = video_path(video_id)
    return any(client.get(path, layer=CLEANUP, authorization=each).is_ok for each in _credentials(client, video_id))


def _deletion(client: RecordingClient, video_id: str) -> Exchange:
    """Delete a job. A server may have given one to the run although the key of another caller has started it."""
    exchanges = (
        client.delete(video_path(video_id), layer=CLEANUP, authorization=each)
        for each in _credentials(client, video_id)
    )
    first = next(exchanges)
    return first if first.status not in _GONE else next(exchanges, first)


def _credentials(client: RecordingClient, video_id: str) -> list[str]:
    """Return the credentials for a job: those of the caller whose key has started it, and then those of the run."""
    key = client.target.other_api_key
    return [f"Bearer {key}", ""] if key and video_id in other_callers_ids(client.history) else [""]


def _is_one_marked(client: RecordingClient) -> bool:
    """Tell whether a create that had no response has the mark, so that its job can be found once it is in the list."""
    mark = client.run_id.encode()
    return client.starts.unsettled > 0 or any(mark in each.request_body for each in lost_creates(client.history))


def _marked(number: int, run_id: str) -> Iterator[str]:
    if number > 0:
        yield f"{_lost(number)}; look for `{run_id}` in your account"


def _unmarked(creates: Sequence[Exchange]) -> Iterator[str]:
    """Yield a sentence about creates whose bodies had no place for the mark."""
    if creates:
        times = [datetime.fromtimestamp(each.at, UTC).strftime("%H:%M:%S") for each in creates]
        yield f"{_lost(len(creates))}; look in your account for what was started at {', '.join(times)} (UTC)"


def _lost(number: int) -> str:
    return f"{plural(number, 'create')} had no response: {'its job' if number == 1 else 'their jobs'} may still run"
