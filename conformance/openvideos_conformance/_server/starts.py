"""Count the jobs that a run may have started, and let it start no more than its bound."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from .._core.operations import may_start_job
from .._core.outcomes import BOUND_REACHED, NotReachedError
from .._core.own_jobs import job_id

if TYPE_CHECKING:
    from .._core.exchange import Exchange

_NOT_IMPLEMENTED: Final = 501


class Starts:
    """The starts of a run. Thread-safe.

    A request that may start a job is counted before it is sent, and is given back only if it surely started none. So
    the bound holds for any server, and for a run that breaks off in the middle of a request.
    """

    def __init__(self, most: int, patience: float = 0.0) -> None:
        """Allow at most this many; wait `patience` seconds for others, which may be refused, where there is no more."""
        self.most, self.count, self.unsettled = most, 0, 0
        self._allowed, self._patience = most, patience
        self._ids = set[str]()
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """How many more jobs may be started."""
        return max(0, self.most - self.count)

    def limit(self, most: int) -> None:
        """Lower the bound; 0 ends all starts."""
        with self._changed:
            self.most = min(self.most, most)
            self._changed.notify_all()

    def take(self, method: str, operation: str | None) -> None:
        """Count a request that is about to be sent, if it may start a job.

        Raises:
            NotReachedError: It would go beyond the bound.

        """
        if not may_start_job(method, operation):
            return
        with self._changed:
            self._changed.wait_for(lambda: self.left or not self.unsettled or not self.most, self._patience)
            if not self.left:
                raise NotReachedError(self._advice())
            self.count += 1
            self.unsettled += 1

    def settle(self, exchange: Exchange) -> bool:
        """Give back a request that was counted, if its response shows that it started no job; return whether it may.

        Only a 4XX and a 501 show that, a 503 without a job, or the id of an earlier job in the response to a repeat
        with an Idempotency-Key.
        """
        if not may_start_job(exchange.method, exchange.operation):
            return False
        status = exchange.status
        is_refused = status is not None and (400 <= status < 500 or status == _NOT_IMPLEMENTED)  # noqa: PLR2004 - HTTP's
        is_refused = is_refused or (exchange.is_busy and not job_id(exchange))
        video_id = job_id(exchange) if exchange.is_ok else ""
        with self._changed:
            self.unsettled -= 1
            self._changed.notify_all()
            is_repeat = video_id in self._ids and exchange.request_header("idempotency-key") is not None
            self.count -= is_refused or is_repeat
            self._ids |= {video_id} - {""}
        return not is_refused and not is_repeat

    def _advice(self) -> str:
        reached = f"{BOUND_REACHED}{self.most} videos is reached"
        if self.most == self._allowed:
            return f"{reached}; raise it with --max-videos"
        return f"{reached}, more than a server needs that refuses what it should; see the failed requirements first"
