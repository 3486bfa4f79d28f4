"""Send requests that the contract forbids, each once per run, and share their responses among checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.exchange import json_array, json_object
from .._core.operations import CREATING
from .._core.outcomes import NotReachedError
from .._inputs.invalid import Case, cases
from .._judging.assertions import expect
from .list_walks import largest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient

_MAX_PAGES: Final = 10


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
        for requirement in dict.fromkeys(case.requirement for case in self._cases):
            for case in self.of(requirement):
                try:
                    exchange = self.send_once(case)
                except NotReachedError:
                    return
                if exchange.is_ok and exchange.operation in CREATING:
                    break
                if exchange.status in case.statuses:
                    yield case, exchange

    @property
    def has_json(self) -> bool:
        """Whether the server accepts creates as JSON."""
        if self._has_json is None:
            self._has_json = self._offered.has("json")
        return self._has_json


def newest(client: RecordingClient) -> tuple[list[dict[str, Any]], list[Exchange]]:
    """Return the newest videos of the list, from up to ten pages, and the exchanges of these pages.

    Raises:
        NotReachedError: A page was not returned.

    """
    limit = largest(client.contract)
    seen: list[Exchange] = []
    videos: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        page = client.get("/videos", query={"limit": limit, **after})
        if not page.is_ok or "data" not in page.object:
            raise NotReachedError(f"the list, which would show the job, was not returned: {page.summary}", page)
        seen.append(page)
        videos += [json_object(item) for item in json_array(page.object["data"])]
        last = page.object.get("last_id")
        if page.object.get("has_more") is not True or not isinstance(last, str) or after == {"after": last}:
            break
        after = {"after": last}
    return videos, seen


def marked(videos: list[dict[str, Any]], marker: str) -> list[dict[str, Any]]:
    """Return the videos whose prompt contains the marker."""
    return [video for video in videos if marker in str(video.get("prompt") or "")]
