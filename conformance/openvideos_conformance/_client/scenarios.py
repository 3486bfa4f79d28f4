"""Define the scenarios: each changes one thing in the responses of the emulator while the command runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import changes
from .app_runner import Response
from .changes import RETRY_AFTER_S, STALL_S, UNKNOWN

if TYPE_CHECKING:
    from .changes import Change

PROMPT: Final = "A paper boat — 纸船"
AWKWARD: Final = f'{PROMPT}\r\n--+++\r\n--boundary\r\n"quoted"; name=size & 100 %'
"""A prompt with line breaks, and with the separators that some clients write between the parts of a form."""
UPLOAD: Final = 'boat "1"; größe.png'
"""The name of the file that the command is told to send, which has to be quoted in a form."""

_PAGE: Final = Response(200, (("content-type", "text/html"),), b"<!doctype html><title>Please sign in</title>" * 200)
_ERROR: Final = Response(
    200, (("content-type", "application/json"),), json.dumps({"error": {"message": "It is not ready."}}).encode()
)


@dataclass(frozen=True)
class Scenario:
    """A scenario: what goes wrong, the number of videos that exist before it, and their speed."""

    name: str
    what: str
    change: Change
    prompt: str = PROMPT
    """The prompt that the command is told to request."""
    job_speed: str = "polls:3"
    videos: int = 2
    allowance: float = 0.0
    """How many seconds more a command has in this scenario, in which a right one may wait."""
    has_upload: bool = False
    """Whether the command is told to send a file."""
    is_measured: bool = False
    """Whether the memory of the command is measured."""


SCENARIOS: Final = {
    each.name: each
    for each in (
        Scenario("plain", "nothing goes wrong", changes.plain, videos=30, is_measured=True),
        Scenario("awkward-prompt", "the prompt contains the separators of some forms", changes.plain, prompt=AWKWARD),
        Scenario("upload", "the create has an image, whose file name needs quoting", changes.plain, has_upload=True),
        Scenario(
            "slow",
            "the server asks for pauses of three seconds and of one between polls",
            changes.hinted(3000, 1000, changes.HINT_MS),
            job_speed="polls:4",
            allowance=15,
        ),
        Scenario(
            "slower",
            "the server asks for one pause of eight seconds",
            changes.hinted(8000, changes.HINT_MS),
            allowance=20,
        ),
        Scenario("long-job", "the job takes 25 polls", changes.plain, job_speed="polls:25", allowance=120),
        Scenario("unknown-status", "the job has a status that the contract does not have", changes.unknown_status),
        Scenario(
            "unknown-list-status",
            "a video of the list has a status that the contract does not have",
            changes.unknown_list_status,
            videos=25,
        ),
        Scenario("failed-job", "the job fails", changes.failing_job),
        Scenario("server-error", "the first poll returns 500", changes.refused_poll(500), allowance=20),
        Scenario(
            "busy-poll", "the first poll returns 429, without Retry-After", changes.refused_poll(429), allowance=20
        ),
        Scenario(
            "retry-after",
            "the first create returns 429 with a Retry-After of three seconds, and the first poll with one",
            changes.refused_first({"create_video": (429, 3), "retrieve_video": (429, RETRY_AFTER_S)}),
            allowance=20,
        ),
        Scenario(
            "retry-after-date",
            "the first create and the first poll return 429 with a Retry-After that is a date",
            changes.refused_first(
                {"create_video": (429, RETRY_AFTER_S), "retrieve_video": (429, RETRY_AFTER_S)}, as_date=True
            ),
            allowance=20,
        ),
        Scenario(
            "busy-reads",
            "the first poll, list and download return 503 with Retry-After",
            changes.refused_first(dict.fromkeys(("retrieve_video", "list_videos", "download_video_content"), (503, 2))),
            allowance=30,
        ),
        Scenario(
            "busy-writes",
            "the first create, remix and deletion return 503 or 429 with Retry-After",
            changes.refused_first({"create_video": (503, 2), "remix_video": (429, 2), "delete_video": (429, 2)}),
            allowance=30,
        ),
        Scenario(
            "ambiguous-create",
            "a create is carried out, and its connection is reset",
            changes.lost("create_video", None),
        ),
        *(
            Scenario(
                "failing-create" if status == 500 else f"create-{status}",  # noqa: PLR2004 - HTTP's own
                f"a create is carried out, and returns {status}",
                changes.lost("create_video", status),
            )
            for status in (500, 502, 503, 504)
        ),
        Scenario(
            "stalled-create",
            f"a create is carried out, and has no response for {STALL_S:g} seconds, when its connection breaks",
            changes.lost("create_video", None, delay=STALL_S),
            allowance=3 * STALL_S,
        ),
        Scenario(
            "ambiguous-remix", "a remix is carried out, and its connection is reset", changes.lost("remix_video", None)
        ),
        Scenario("failing-remix", "a remix is carried out, and returns 500", changes.lost("remix_video", 500)),
        Scenario("truncated-download", "the first download breaks off", changes.truncated(), allowance=10),
        Scenario("lasting-truncation", "every download breaks off", changes.truncated(times=None), allowance=30),
        Scenario(
            "stalled-download",
            f"the first download stops in the middle, and breaks off after {STALL_S:g} seconds",
            changes.truncated(times=1, delay=STALL_S),
            allowance=30,
        ),
        Scenario(
            "changed-content",
            "the first download breaks off, and then the file is another",
            changes.changed_content,
            allowance=10,
        ),
        Scenario(
            "missing-content", "every download returns 404", changes.no_file(changes.error(404, "There is no file."))
        ),
        Scenario(
            "expired-content",
            "every download returns 410",
            changes.no_file(changes.error(410, "The file has expired.", code="content_expired")),
        ),
        Scenario("html-content", "every download returns a web page, with status 200", changes.no_file(_PAGE)),
        Scenario("json-content", "every download returns an error, with status 200", changes.no_file(_ERROR)),
        Scenario("huge-file", "the file has 300 MiB", changes.huge_file, allowance=30, is_measured=True),
        Scenario("missing-keys", "videos have only the required keys", changes.with_videos(changes.bare)),
        Scenario(
            "unknown-fields",
            "videos have fields that the contract does not have",
            changes.with_videos(lambda video: {**video, **UNKNOWN}),
        ),
        Scenario("huge-list", "there are 600 videos", changes.plain, videos=600, allowance=20),
        Scenario("short-pages", "pages have fewer videos than were asked for", changes.short_pages, videos=25),
        Scenario("empty-page", "a page in the middle of the list has no videos", changes.empty_page, videos=130),
        Scenario("no-has-more", "pages do not say whether there are more", changes.no_has_more, videos=130),
        Scenario(
            "duplicate-cursor", "every page is the first page, with has_more true", changes.duplicate_cursor, videos=25
        ),
        Scenario("redirect", "downloads are redirected to another origin", changes.redirected(everything=False)),
        Scenario("redirect-all", "all requests are redirected to another origin", changes.redirected(everything=True)),
    )
}
"""All scenarios by their names."""
