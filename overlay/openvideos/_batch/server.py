"""Use the Videos API for a batch: send creates, and look for the jobs of those whose answers are lost."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from .. import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenVideos,
    AuthenticationError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    Video,
)
from .._doctor.contract import contract
from .._flows.hints import LONGEST_POLL_PAUSE_S, retry_after
from .._parsing.responses import refuses
from .placing import Blind, Busy, Placed, Refused
from .rows import URLS

SLACK_S: Final = 60.0
"""How much earlier than its intent a job may seem to be made: a gateway's clock is not that of the server behind it."""
CLOCKLESS_SLACK_S: Final = 600.0
"""The same where no response has a Date, so that the clocks may differ."""
PAGE_SIZE: Final = 100
MOST_PAGES: Final = 1000
DEFAULT_PAUSE_S: Final = 1.0
ALWAYS: Final = frozenset({400, 413, 414, 415, 422, 431, 501})
"""Statuses that refuse a create for what is in it."""
STOPPING: Final = frozenset({401, 402, 403, 404, 405})
"""Statuses that tell of the key, the account or the address: the next create would be refused, too."""
FORBIDDEN: Final = 403
MOST_FORBIDDEN: Final = 3
"""How many creates in a row are answered 403 before it is said of the key, and no longer of the prompts."""
UNCLEAR: Final = frozenset({408, 499})
"""Statuses by which a proxy may tell of a create that it has handed on."""
CLASHES: Final = frozenset({409, 422})
"""Statuses that may tell that a key was used before."""
KEYS: Final = "idempotency"
OF_A_PROMPT: Final = ("policy", "moderation", "safety")
"""Words of error codes that tell of a prompt, which will be refused again."""


class CreatesStoppedError(Exception):
    """Raised when no create of the batch can succeed: the key or the account is refused. No job was started."""


def is_of_the_prompt(code: str) -> bool:
    """Return whether the code of an error says that a prompt was refused for what it asks for."""
    return any(word in code.casefold() for word in OF_A_PROMPT)


def is_usable(video_id: str) -> bool:
    """Return whether a job can be asked for by an id: one that cannot would keep all rows from being read."""
    # A lone surrogate is no text that could be sent, and no database takes a NUL.
    return video_id.strip() not in {"", ".", ".."} and not re.search(r"[\x00\ud800-\udfff]", video_id)


@define
class Server:
    """A server, as the rows of a batch see it."""

    client: AsyncOpenVideos
    _seen: tuple[float, float] | None = None
    """The server's latest date, in Unix seconds, and when it was seen, on the monotonic clock."""
    _waiting: list[tuple[float, asyncio.Future[list[Video] | Blind]]] = field(factory=list[Any])
    _walking: asyncio.Task[None] | None = None
    _forbidden: set[str] = field(factory=set[str])
    """The keys of the creates in a row that were answered 403, without a word about their prompts."""

    @property
    def now(self) -> float:
        """The time by the server's clock, as far as it is known."""
        if self._seen is None:
            return time.time()
        date, seen = self._seen
        return date + time.monotonic() - seen

    @property
    def slack(self) -> float:
        """How much earlier than its intent a job may seem to be made, in seconds."""
        return CLOCKLESS_SLACK_S if self._seen is None else SLACK_S

    def hear(self, headers: Mapping[str, str]) -> None:
        """Learn the server's time from a response."""
        try:
            date = parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError, IndexError):
            return
        self._seen = (date, time.monotonic())

    async def honours_keys(self) -> bool:
        """Return whether the server says, by its list of models, that it honours Idempotency-Key.

        Raises:
            OpenVideosError: It refuses the key, or cannot be reached.
        """
        try:
            response = await self.client.videos.with_raw_response.list_models()
        except (AuthenticationError, APIConnectionError, RateLimitError):
            raise
        except APIError as error:
            if _is_broken(error):
                raise  # it may honour them all the same
            self.hear({} if error.response is None else error.response.headers)
            return False
        self.hear(response.headers)
        try:
            claim: Any = getattr(response.parse(), "contract", None)
        except OpenVideosError:
            return False
        claimed = {*getattr(claim, "extensions", ()), *getattr(claim, "profiles", ())}
        with_keys = {name for name, profile in contract()["x-profiles"].items() if KEYS in profile["capabilities"]}
        return bool(claimed & {KEYS, *with_keys})

    async def create(self, sent: Mapping[str, Any], key: str) -> Placed | Refused | Busy | str:
        """Send a create under a key; return the reason, as a text, if its outcome is not known.

        Raises:
            CreatesStoppedError: The server refuses every create, for its key or its account.
        """
        arguments = dict(sent)
        picture = arguments.get("input_reference")
        if picture is not None:
            arguments["input_reference"] = {"image_url": picture} if picture.startswith(URLS) else Path(picture)
        try:
            response = await self.client.videos.with_raw_response.create(
                **arguments, extra_headers={"Idempotency-Key": key}
            )
            self.hear(response.headers)
            self._forbidden.clear()
            video_id = response.parse().id
            return Placed(video_id) if is_usable(video_id) else "its answer has no id that can be used"
        except InvalidArgumentError as error:
            return Refused("invalid_argument", error.message)  # what this machine lacks, another one may have sent
        except APIError as error:
            if error.response is not None:
                self.hear(error.response.headers)
            return self._outcome(error, key)

    def _outcome(self, error: APIError, key: str) -> Placed | Refused | Busy | str:
        if error.video_id is not None and is_usable(error.video_id):
            return Placed(error.video_id)
        if isinstance(error, APIConnectionError):
            return Busy(DEFAULT_PAUSE_S) if error.never_sent else error.message
        response = error.response
        if not isinstance(error, APIStatusError) or response is None:
            return error.message
        if refuses(response):
            pause = retry_after(response.headers, now=self.now)
            return Busy(DEFAULT_PAUSE_S if pause is None else min(pause, LONGEST_POLL_PAUSE_S))
        status = error.status_code
        # A key that was used before was used by this row alone, whose job may be there.
        is_clash = status in CLASHES and "idempoten" in (error.code or "").casefold()
        is_said = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR or status in ALWAYS
        if is_clash or status in UNCLEAR or not is_said:
            return error.message
        return self._refused(error, key)

    def _refused(self, error: APIStatusError, key: str) -> Refused:
        """Return what a refusal says of its row.

        Raises:
            CreatesStoppedError: It tells of the key, the account or the address.
        """
        status, is_of_its_prompt = error.status_code, is_of_the_prompt(error.code or "")
        if status == FORBIDDEN and not is_of_its_prompt:
            self._forbidden.add(key)
            if len(self._forbidden) < MOST_FORBIDDEN:
                # It may be of the prompt or of the key, and new since a create whose answer was lost.
                return Refused(error.code or f"status {status}", error.message)
        if status in STOPPING and not is_of_its_prompt:
            raise CreatesStoppedError(error.message)
        self._forbidden.clear()  # the key is right
        return Refused(error.code or f"status {status}", error.message, always=status in ALWAYS or is_of_its_prompt)

    async def jobs_since(self, at: float) -> list[Video] | Blind:
        """Return the jobs in the list that may have been made since a time, the oldest first.

        All who wait at the same moment are served by one walk, which begins after they have asked.
        """
        answer: asyncio.Future[list[Video] | Blind] = asyncio.get_running_loop().create_future()
        self._waiting.append((at - self.slack, answer))
        if self._walking is None or self._walking.done():
            self._walking = asyncio.create_task(self._walk())
        return await answer

    async def _walk(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            since = min(at for at, _ in waiting)
            try:
                seen: list[Video] | Blind = await self._list(since)
            except BaseException as error:
                for _, answer in waiting:
                    answer.cancel() if isinstance(error, asyncio.CancelledError) else answer.set_exception(error)
                raise
            for at, answer in waiting:
                if not answer.done():
                    chosen = seen if isinstance(seen, Blind) else [each for each in seen if _made_since(each, at)]
                    answer.set_result(chosen)

    async def _list(self, since: float) -> list[Video] | Blind:  # noqa: PLR0911 - a list can be useless in many ways
        jobs: dict[str, Video] = {}
        before = float("inf")
        is_sorted = True
        try:
            page = await self.client.videos.list(limit=PAGE_SIZE, order="desc")
            for _ in range(MOST_PAGES):
                for video in page.data:
                    made = _made(video)
                    is_sorted = is_sorted and 0 < made <= before
                    before = made
                    if not is_usable(video.id):
                        return Blind("the list has a job whose id cannot be used")
                    jobs.setdefault(video.id, video)
                # In a list whose order cannot be relied on, a newer job may stand anywhere.
                if (is_sorted and before < since) or not page.has_next_page():
                    return [*reversed(jobs.values())] if is_sorted else sorted(jobs.values(), key=_made)
                page = await page.get_next_page()
        except (NotFoundError, PaginationError, PermissionDeniedError, AuthenticationError) as error:
            is_none = isinstance(error, NotFoundError) and not jobs  # whose advice is about the base URL
            return Blind("the server has no list of jobs" if is_none else f"the list cannot be used: {error.message}")
        except APIStatusError as error:
            may_pass = refuses(error.response) or _is_broken(error)
            return Blind(f"the list cannot be used: {error.message}", may_pass=may_pass)
        except APIConnectionError as error:
            return Blind(f"the list cannot be used: {error.message}", may_pass=True)
        except OpenVideosError as error:
            return Blind(f"the list cannot be used: {error.message}")
        return Blind(f"the list has more than {MOST_PAGES} pages since then")


def _is_broken(error: APIError) -> bool:
    """Return whether a server fails at what it may do at another time."""
    return isinstance(error, InternalServerError) and error.status_code != HTTPStatus.NOT_IMPLEMENTED


def _made(video: Video) -> float:
    return float(video.created_at or 0)


def _made_since(video: Video, at: float) -> bool:
    """Return whether a job may have been made since a time; one without a time may."""
    made = _made(video)
    return not made or made >= at
