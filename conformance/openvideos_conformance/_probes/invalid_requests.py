"""Ask for what the contract forbids, each case once in a run; every check that looks at a refusal shares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.exchange import json_array, json_object
from .._core.operations import CREATING
from .._core.outcomes import NotReachedError, UnsupportedError
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
    """The requests that are to be refused, and what they were answered."""

    def __init__(self, client: RecordingClient, offered: Capabilities, *, has_form: bool = True) -> None:
        """Ask nothing yet. `has_form` says whether the server was seen to take forms."""
        self._client, self._offered, self._has_form = client, offered, has_form
        self.marker: Final = f"openvideos-conformance-{client.run_id}"
        self._cases = cases(client.contract, client.target, self.marker)
        self._responses: dict[str, Exchange] = {}
        self._has_json: bool | None = None

    def judge(self, requirement: str) -> None:
        """Expect that each case of a requirement is refused. The first that is not ends it: it may have cost a job."""
        asked = self.of(requirement)
        if not asked:
            raise NotReachedError("the server does not take bodies of the kind that could be wrong in this way")
        for case in asked:
            statuses = case.statuses if self.has_json else case.statuses | {415}
            expect(self.send_once(case), statuses, case.what)

    def of(self, requirement: str) -> list[Case]:
        """Return the cases of a requirement that make sense here: JSON, and forms, only where the server takes them."""
        meant = [case for case in self._cases if case.requirement == requirement]
        return [case for case in meant if (self.has_json or not case.is_json) and (self._has_form or not case.is_form)]

    def send_once(self, case: Case) -> Exchange:
        """Return what a case was answered; it is sent when it is first asked for."""
        if case.what not in self._responses:
            self._responses[case.what] = self.send(case)
        return self._responses[case.what]

    def send(self, case: Case) -> Exchange:
        """Send a case, whether it was sent before or not."""
        return self._client.send(case.method, case.path, **case.options)

    def all(self) -> Iterator[tuple[Case, Exchange]]:
        """Send what was not sent yet; return each case that was refused. What is accepted once is not tried further."""
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
        """Whether the server takes JSON bodies."""
        if self._has_json is None:
            try:
                self._offered.require("json")
            except (UnsupportedError, NotReachedError):
                self._has_json = False
            else:
                self._has_json = True
        return self._has_json


def newest(client: RecordingClient) -> tuple[list[dict[str, Any]], list[Exchange]]:
    """Return the newest videos of the list, some pages of them, and the exchanges that told them.

    Raises:
        NotReachedError: The server does not list.

    """
    limit = largest(client.contract)
    seen: list[Exchange] = []
    videos: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        page = client.get("/videos", query={"limit": limit, **after})
        if not page.is_ok or "data" not in page.object:
            raise NotReachedError(f"the list that would show a job: {page.summary}", page)
        seen.append(page)
        videos += [json_object(item) for item in json_array(page.object["data"])]
        last = page.object.get("last_id")
        if page.object.get("has_more") is not True or not isinstance(last, str) or after == {"after": last}:
            break
        after = {"after": last}
    return videos, seen


def marked(videos: list[dict[str, Any]], marker: str) -> list[dict[str, Any]]:
    """Return the videos whose prompt holds the marker."""
    return [video for video in videos if marker in str(video.get("prompt") or "")]
