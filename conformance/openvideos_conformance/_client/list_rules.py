"""Judge how a command walks over the pages of the list, and what it makes of the videos. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from .._core.contract import contract
from .._core.exchange import json_array, json_object, videos_of
from .._core.outcomes import NotReachedError, ViolationError
from .command_run import legality
from .rule import CALM, GAVE_UP, need, rule

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .command_run import CommandRun

PARSED: Final = "video.json"
"""The name of the file with the finished video as JSON, as the client gives it to the application."""

LISTED: Final = "list.json"
"""The name of the file with all videos of the list as a JSON array, as the client gives them to the application."""

MOST_REPEATS: Final = 3
"""How many requests for one page are allowed where cursors repeat; more are a loop."""

_WALKED: Final = (*CALM, "unknown-list-status")
"""The scenarios in which a walk can come to its end."""


@rule("CLI-LIST-001", *_WALKED)
def goes_on_behind_the_last(run: CommandRun) -> None:
    """Compare each cursor with the pages before, and count how often each page is requested in a walk."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    need([each for each in pages if _after(each)], "request for a second page")
    for index, each in enumerate(pages):
        after = _after(each)
        if after is None:
            continue
        if not any(after in _ends(page) for page in pages[:index]):
            raise ViolationError(
                f"a page after {after!r} was requested, which is not the last video of any earlier page",
                *pages[max(index - 1, 0) : index + 1],
            )
        same = [page for page in pages[: index + 1] if page.query == each.query]
        walks = [page for page in pages[: index + 1] if _after(page) is None]
        if len(same) > max(1, len(walks)):
            raise ViolationError(f"the page after {after!r} was requested again, although it had been returned", each)


@rule("CLI-LIST-002", *_WALKED)
def walks_to_the_end(run: CommandRun) -> None:
    """Look for a walk that came to the last page."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    if not any(each.object.get("has_more") is True for each in pages):
        raise NotReachedError("the command requested no list of more than one page")
    if any(each.object.get("has_more") is False for each in pages):
        return
    raise ViolationError(
        f"the command stopped after {len(pages)} pages, although the last of them has has_more true", pages[-1]
    )


@rule("CLI-LIST-003", "duplicate-cursor")
def walks_in_no_circle(run: CommandRun) -> None:
    """Count the requests with the cursor that repeats."""
    cursors = Counter(_after(each) for each in run.of("list_videos") if _after(each))
    if not cursors:
        raise NotReachedError("the command requested no second page")
    cursor, times = cursors.most_common(1)[0]
    if times > MOST_REPEATS:
        raise ViolationError(
            f"the cursor {cursor!r} repeated, and the command requested the page after it {times} times",
            run.of("list_videos")[-1],
        )


@rule("CLI-LIST-004", *_WALKED)
def gives_every_video(run: CommandRun) -> None:
    """Compare the list that the application was given with the pages."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    need(pages, "request for a list")
    given = _parsed(run, LISTED)
    if given is None:
        raise NotReachedError(f"the command wrote no {LISTED}")
    listed = [str(json_object(each).get("id")) for each in json_array(given)]
    served = {str(video.get("id")) for page in pages for video in videos_of(page)}
    walks = [walk for walk in _walks(pages) if walk[-1].object.get("has_more") is False]
    if not walks:
        raise NotReachedError("the command walked to the end of no list")
    # It is not known of which walk the file was made, so it is compared with the one that it fits best.
    of_walks = [{str(video.get("id")) for page in walk for video in videos_of(page)} for walk in walks]
    missing, walked = min(((ids - set(listed), ids) for ids in of_walks), key=lambda each: len(each[0]))
    if missing:
        raise ViolationError(f"{LISTED} lacks {len(missing)} of {len(walked)} videos of the pages", pages[-1])
    twice = [name for name, times in Counter(listed).items() if times > 1]
    if twice:
        raise ViolationError(f"{LISTED} has {len(twice)} videos more than once", pages[-1])
    if set(listed) - served:
        raise ViolationError(f"{LISTED} has videos that no page has", pages[-1])


def _walks(pages: list[Exchange]) -> list[list[Exchange]]:
    """Return the walks over pages: each begins with a page without a cursor, and goes on from its last page."""
    walks: list[list[Exchange]] = []
    for page in pages:
        after = _after(page)
        before = next((walk for walk in reversed(walks) if after in _ends(walk[-1])), None)
        if after is None:
            walks.append([page])
        elif before is not None:
            before.append(page)
    return walks


@rule("CLI-LIST-005", "no-has-more")
def goes_on_without_has_more(run: CommandRun) -> None:
    """Look for a walk that came to the last page, although no page says so."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    need(pages, "request for a list")
    if all(_is_short(each) for each in pages):
        raise NotReachedError("the command requested no page that is full")
    if any(_is_short(each) for each in pages):
        return
    raise ViolationError(
        f"the command stopped after {len(pages)} full pages without has_more, and there were more", pages[-1]
    )


@rule("CLI-LIST-006", "empty-page")
def goes_on_after_an_empty_page(run: CommandRun) -> str | None:
    """Look for a walk that came to the last page, behind one that has no videos."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    if not any(each.object.get("data") == [] for each in pages):
        raise NotReachedError("the command requested no page without videos")
    if any(each.object.get("has_more") is False for each in pages):
        return None
    if run.has_given_up:
        return GAVE_UP
    raise ViolationError(
        "the command took a page without videos for the last, although its has_more is true", pages[-1]
    )


def _is_short(page: Exchange) -> bool:
    limit = legality(page).fields.get("limit")
    size = len(json_array(page.object.get("data")))
    default = int(contract().parameter("list_videos", "limit")["default"])
    return size < (int(str(limit)) if str(limit).isdecimal() else default)


# ---------------------------------------------------------------- responses
@rule("CLI-READ-001")
def gives_every_field(run: CommandRun) -> None:
    """Compare the video, and those of the list, that the application was given with the responses."""
    given, listed = _parsed(run, PARSED), _parsed(run, LISTED)
    if given is None and listed is None:
        raise NotReachedError(f"the command wrote no {PARSED} and no {LISTED}")
    need(run.accepted(), "create that this server accepted")
    if given is not None:
        video = json_object(given)
        if not run.seen(str(video.get("id"))):
            raise ViolationError(f"{PARSED} holds no video of a response to the command")
        _has_all(run, video, PARSED)
    for video in map(json_object, json_array(listed)):
        if run.seen(str(video.get("id"))):
            _has_all(run, video, LISTED)


def _has_all(run: CommandRun, video: dict[str, Any], name: str) -> None:
    # It is not known which response the file was made of, so it is compared with the one that it fits best.
    responses = reversed(run.seen(str(video.get("id"))))
    best, served = min(responses, key=lambda each: len(_lost(each[1], video)))
    lost = _lost(served, video)
    if lost:
        raise ViolationError(f"{name} lacks {', '.join(lost)} of a response, or has other values", best)


@rule("CLI-READ-002", "unknown-list-status")
def bears_what_it_does_not_know(run: CommandRun) -> None:
    """Look at how the command ends after a list that has a status which the contract does not know."""
    pages = [each for each in run.of("list_videos") if each.is_ok]
    need(pages, "request for a list")
    is_last = run.exchanges[-1].operation == "list_videos"
    if is_last and run.has_given_up:
        raise ViolationError(
            f"a list has a status that is unknown, and the command ended with exit code {run.exit_code}: "
            f"{run.output_tail}",
            pages[-1],
        )


def _parsed(run: CommandRun, name: str) -> Any:
    """Return the JSON of a file; None if there is no file, and an empty object if it is no JSON."""
    file = run.files.get(name)
    if file is None:
        return None
    try:
        value = json.loads(file.content)
    except (ValueError, RecursionError):
        return {}
    return {} if value is None else value


def _lost(response: dict[str, Any], given: dict[str, Any]) -> list[str]:
    # In a field of the contract, null means the same as absence; in other fields it may mean something.
    known = contract().schema("Video")["properties"]
    kept = {name: value for name, value in response.items() if value is not None or name not in known}
    return [name for name, value in kept.items() if name not in given or given[name] != value]


def _after(exchange: Exchange) -> str | None:
    after = legality(exchange).fields.get("after")
    return after if isinstance(after, str) and after else None


def _ends(page: Exchange) -> set[str]:
    """Return the cursors by which a walk may go on from a page."""
    data = json_array(page.object.get("data"))
    ends = [json_object(data[-1]).get("id") if data else None, page.object.get("last_id")]
    return {each for each in ends if isinstance(each, str)}
