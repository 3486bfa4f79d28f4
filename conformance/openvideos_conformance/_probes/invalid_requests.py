"""Send requests that the contract forbids, each once per run, and share their responses among checks."""

from __future__ import annotations

import contextlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import CREATING
from .._core.outcomes import NotReachedError
from .._inputs.invalid import Case, cases
from .._judging.assertions import expect
from .._server.pages import newest_pages, videos_on
from .baselines import plain_list
from .concurrently import eight_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient


class InvalidRequests:
    """The requests that must be refused, and their exchanges."""

    def __init__(self, client: RecordingClient, offered: Capabilities, *, has_form: bool = True) -> None:
        """Send nothing yet. `has_form` says whether the server accepts forms."""
        self._client, self._offered, self._has_form = client, offered, has_form
        self.marker: Final = f"openvideos-conformance-{client.run_id}"
        self._cases = cases(client.contract, client.target, self.marker)
        self._exchanges: dict[str, Exchange] = {}
        self._has_json: bool | None = None

    def judge(self, requirement: str) -> None:
        """Expect that each case of a requirement is refused. Stop at the first that is not, since it may start a job.

        Raises:
            ViolationError: A case was not refused.
            NotReachedError: The server accepts no bodies of this kind.

        """
        to_send = self.of(requirement)
        if not to_send:
            raise NotReachedError("the server accepts no bodies that could be wrong in this way")
        for case in to_send:
            statuses = case.statuses if self.has_json else case.statuses | {415}
            expect(self.send_once(case), statuses, case.what)

    def of(self, requirement: str) -> list[Case]:
        """Return the cases of a requirement whose kind of body, JSON or a form, the server accepts."""
        matching = [case for case in self._cases if case.requirement == requirement]
        return [
            case for case in matching if (self.has_json or not case.is_json) and (self._has_form or not case.is_form)
        ]

    def send_once(self, case: Case) -> Exchange:
        """Send a case, unless it was sent before, and return its exchange."""
        if case.what not in self._exchanges:
            self._exchanges[case.what] = self.send(case)
        return self._exchanges[case.what]

    def send(self, case: Case) -> Exchange:
        """Send a case, even if it was sent before, and return its exchange."""
        return self._client.send(case.method, case.path, **case.options)

    def all(self) -> Iterator[tuple[Case, Exchange]]:
        """Send all cases that were not sent yet; yield those that were refused.

        After an accepted case, the other cases of its requirement are skipped, since each may start a job.
        """
        for requirement in self._sent_in_rounds():
            for case in self.of(requirement):
                try:
                    exchange = self.send_once(case)
                except NotReachedError:
                    return
                if _is_accepted(exchange):
                    break
                if exchange.status in case.statuses and (case.method != "GET" or self._has_list):
                    yield case, exchange

    @cached_property
    def _has_list(self) -> bool:
        """Whether the server returns a plain list, so that a refused one is refused for its flaw."""
        with contextlib.suppress(NotReachedError):
            return plain_list(self._client).is_ok
        return False

    def _sent_in_rounds(self) -> list[str]:
        """Send the cases of all requirements, and return these.

        A round has one case of each requirement at the most, so that requests of one round are independent: what the
        server accepts may start a job, and ends the cases of its requirement.
        """
        requirements = list(dict.fromkeys(case.requirement for case in self._cases))
        columns = [self.of(requirement) for requirement in requirements]
        for place in range(max(map(len, columns), default=0)):
            heads = [(column, column[place]) for column in columns if place < len(column)]
            try:
                exchanges = eight_at_a_time([partial(self.send_once, case) for _, case in heads])
            except NotReachedError:
                break
            columns = [
                column for (column, _), exchange in zip(heads, exchanges, strict=True) if not _is_accepted(exchange)
            ]
        return requirements

    @property
    def has_json(self) -> bool:
        """Whether the server accepts creates as JSON."""
        if self._has_json is None:
            self._has_json = self._offered.has("json")
        return self._has_json


def _is_accepted(exchange: Exchange) -> bool:
    return exchange.is_ok and exchange.operation in CREATING


def newest(client: RecordingClient, offered: Capabilities) -> tuple[list[dict[str, Any]], list[Exchange]]:
    """Return the newest videos of the list, from up to ten pages, and the exchanges of these pages.

    Raises:
        NotReachedError: The server has no list, or a page was not returned.

    """
    if not offered.has("list"):
        raise NotReachedError("the server offers no list, which would show the job")
    pages = list(newest_pages(client))
    for page in pages:
        if not page.is_ok or "data" not in page.object:
            raise NotReachedError(f"the list, which would show the job, was not returned: {page.summary}", page)
    return [video for page in pages for video in videos_on(page)], pages


def marked(videos: list[dict[str, Any]], marker: str) -> list[dict[str, Any]]:
    """Return the videos whose prompt contains the marker."""
    return [video for video in videos if marker in str(video.get("prompt") or "")]
