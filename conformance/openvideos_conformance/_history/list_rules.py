"""Judge all pages of lists of a run. Other clients may change the list at the same time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core.exchange import json_array, json_object
from .._core.flaws import told
from .._judging.assertions import shown
from .rule import rule
from .traffic import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Start, Traffic

MANY: Final = ("json", "doomed", "defaults", "longest", "unknown_field")
"""The kinds of jobs that a walk needs, also in a run of a single requirement."""

_DESC: Final = "desc"
_ASC: Final = "asc"


def _schema(traffic: Traffic, name: str) -> dict[str, Any]:
    for parameter in traffic.contract.operation("list_videos").definition["parameters"]:
        if parameter["name"] == name:
            return json_object(traffic.contract.resolve(parameter["schema"]))
    raise KeyError(name)


def _once(traffic: Traffic, page: Exchange, name: str) -> str | None:
    """Return a parameter that the query names once; None otherwise."""
    values = traffic.parameters(page).get(name, [])
    return values[0] if len(values) == 1 else None


def _limit(traffic: Traffic, page: Exchange) -> int | None:
    """Return how many videos a page may hold; None if that is not known."""
    schema = _schema(traffic, "limit")
    if "limit" not in traffic.parameters(page):
        return schema.get("default")  # without a default in the contract, a server decides
    text = _once(traffic, page, "limit") or ""
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:  # noqa: PLR2004 - no limit is that long
        return None
    return int(text) if schema["minimum"] <= int(text) <= schema["maximum"] else None


def _order(traffic: Traffic, page: Exchange) -> str | None:
    """Return the order that a page must have; None if that is not known."""
    schema = _schema(traffic, "order")
    if "order" not in traffic.parameters(page):
        return schema.get("default")
    order = _once(traffic, page, "order")
    return order if order in schema["enum"] else None


def _ids(page: Exchange) -> list[str | None]:
    items = (json_object(item).get("id") for item in json_array(page.object.get("data")))
    return [value if isinstance(value, str) else None for value in items]


def _times(page: Exchange) -> list[int]:
    items = (whole(json_object(item).get("created_at")) for item in json_array(page.object.get("data")))
    return [time for time in items if time is not None]


def _is_sorted(times: list[int], order: str | None) -> bool:
    return times == sorted(times, reverse=order == _DESC)


@rule("VID-LIST-001", "a list is a 200 with a page", needs="a list", probes=("walks",), jobs=MANY)
def pages_fit(traffic: Traffic, tally: Tally) -> None:
    """Judge each successful response of a list."""
    for page in traffic.of("list_videos"):
        if not page.is_ok:
            continue
        tally.judged()
        flaws = traffic.page_flaws(page.object) if page.object else ["the body is not a JSON object"]
        if page.status != 200:  # noqa: PLR2004 - HTTP's own
            tally.found(f"{page.summary}, not 200", page, once=page.status)
        elif flaws:
            tally.found(f"{page.summary} does not fit VideoList: {told(flaws)}", page, once=tuple(flaws[:3]))


@rule(
    "VID-LIST-002",
    "a page holds no more videos than its limit",
    needs="a list with a legal limit, or without one",
    probes=("walks",),
    jobs=MANY,
)
def pages_keep_to_their_limit(traffic: Traffic, tally: Tally) -> None:
    """Compare the length of each page with its limit, or the default."""
    for page in traffic.pages:
        limit = _limit(traffic, page)
        if limit is not None:
            tally.judged()
            count = len(json_array(page.object["data"]))
            if count > limit:
                tally.found(f"{page.summary} holds {count} videos, more than {limit}", page, once=limit)


@rule(
    "VID-LIST-003",
    "first_id and last_id are those of the page",
    needs="a page that has them",
    probes=("empty_page",),
    jobs=MANY,
)
def cursors_are_those_of_the_page(traffic: Traffic, tally: Tally) -> None:
    """Compare first_id and last_id of each page with its videos."""
    for page in traffic.pages:
        ids = _ids(page)
        for name, index in (("first_id", 0), ("last_id", -1)):
            if name not in page.object or (ids and ids[index] is None):
                continue  # another requirement forbids that
            tally.judged()
            actual, expected = page.object[name], ids[index] if ids else None
            if actual != expected:
                what = f"the {'first' if index == 0 else 'last'} of its videos is {shown(expected)}"
                message = f"{page.summary} has {name} {shown(actual)}; {what if ids else 'the page is empty'}"
                tally.found(message, page, once=name)


@rule(
    "VID-LIST-004", "a walk meets each video once", needs="the next page of a page, or a page around a job of this run"
)
def walks_meet_each_video_once(traffic: Traffic, tally: Tally) -> None:
    """Find videos that are on a page and on the next one, and jobs of this run that a page skips."""
    ended: dict[tuple[str | None, str | None], list[Exchange]] = {}
    for page in traffic.pages:
        if _ids(page):
            ended.setdefault((_ids(page)[-1], _order(traffic, page)), []).append(page)
    for page in traffic.pages:
        after, order, ids, times = _once(traffic, page, "after"), _order(traffic, page), _ids(page), _times(page)
        if after is None or order is None or not ids:
            continue
        previous = next((each for each in ended.get((after, order), ()) if each.is_before(page)), None)
        if previous is not None:
            tally.judged()
            twice = (set(_ids(previous)) & set(ids)) - {after, None}
            if twice:
                message = f"{page.summary} holds {min(map(str, twice))}, which was on the page before"
                tally.found(message, previous, page, once="twice")
        first = traffic.first_value(after, "created_at")
        cursor = whole(first[0]) if first is not None else None
        if cursor is None or not times or not _is_sorted(times, order):
            continue
        newest, oldest = (cursor, times[-1]) if order == _DESC else (times[-1], cursor)
        for start in _absent(traffic, page, ids):
            if oldest < _created(start) < newest:
                message = f"{page.summary} skips the job {start.id}, which comes between its cursor and its last video"
                tally.found(message, start.exchange, page, once="skipped")


@rule("VID-LIST-005", "has_more is true while there are videos after the page", needs="a page that is not the last")
def pages_say_that_there_is_more(traffic: Traffic, tally: Tally) -> None:
    """Find pages with has_more false that a page follows, or that lack an older job of this run."""
    following: dict[str, list[Exchange]] = {}
    for page in traffic.pages:
        after = _once(traffic, page, "after")
        if after is not None and _order(traffic, page) == _DESC and json_array(page.object["data"]):
            following.setdefault(after, []).append(page)
    for page in traffic.pages:
        times = _times(page)
        ids = _ids(page)
        if _order(traffic, page) != _DESC or not times or not ids or not _is_sorted(times, _DESC):
            continue
        later = next((each for each in following.get(ids[-1] or "", ()) if _is_next(page, each)), None)
        older = next((each for each in _absent(traffic, page, ids) if _created(each) < times[-1]), None)
        if later is None and older is None:
            continue
        tally.judged()
        if page.object.get("has_more") is False:
            why = f"the job {older.id} is older" if older is not None else f"{ids[-1]} as `after` gives more"
            tally.found(f"{page.summary} has has_more false; {why}", page, *([later] if later else []))


def _is_next(page: Exchange, other: Exchange) -> bool:
    """Tell whether a page that was requested later is the next page."""
    # Of one second, one may be new and come last: an order among them is the server's own.
    is_older = max(_times(other), default=0) < min(_times(page), default=0)
    return page.is_before(other) and is_older and not set(_ids(page)) & set(_ids(other))


def _absent(traffic: Traffic, page: Exchange, ids: list[str | None]) -> Iterator[Start]:
    """Yield the jobs of this run that existed while a page was made, and are not on it."""
    for start in traffic.new:
        is_there = page.has_key and start.exchange.is_before(page) and not traffic.may_be_gone(start.id, page)
        is_there = is_there and start.id not in traffic.lost_ids  # which another requirement says
        if is_there and start.id not in ids and whole(start.exchange.object.get("created_at")) is not None:
            yield start


def _created(start: Start) -> int:
    return whole(start.exchange.object.get("created_at")) or 0


@rule("VID-LIST-006", "the newest come first by default", needs="a page with videos of two different seconds")
def the_newest_come_first(traffic: Traffic, tally: Tally) -> None:
    """Judge the order of created_at on each page with order=desc, or without an order."""
    _judge_order(traffic, tally, _DESC)


@rule(
    "VID-LIST-007", "the oldest come first with asc", needs="a page with order=asc and videos of two different seconds"
)
def the_oldest_come_first(traffic: Traffic, tally: Tally) -> None:
    """Judge the order of created_at on each page with order=asc."""
    _judge_order(traffic, tally, _ASC)


def _judge_order(traffic: Traffic, tally: Tally, order: str) -> None:
    for page in traffic.pages:
        times = _times(page)
        if _order(traffic, page) != order or len(set(times)) < 2:  # noqa: PLR2004 - one has no order
            continue
        tally.judged()
        if not _is_sorted(times, order):
            index = next(i for i in range(1, len(times)) if (times[i] > times[i - 1]) is (order == _DESC))
            age = "newer" if order == _DESC else "older"
            by = abs(times[index] - times[index - 1])
            tally.found(f"{page.summary}: the video at {index} is {by} s {age} than the one before it", page, once=True)


@rule(
    "VID-LIST-008",
    "a page starts after its cursor",
    needs="a page after a video that is not empty",
    probes=("late_page",),
    jobs=MANY,
)
def pages_start_after_their_cursor(traffic: Traffic, tally: Tally) -> None:
    """Find pages that contain their cursor, or begin with a video that comes before it."""
    for page in traffic.pages:
        after, order, ids = _once(traffic, page, "after"), _order(traffic, page), _ids(page)
        if after is None or not ids:
            continue
        tally.judged()
        if after in ids:
            tally.found(f"{page.summary} holds the video that `after` names, at {ids.index(after)}", page, once="held")
            continue
        first = traffic.first_value(after, "created_at")
        times = _times(page)
        cursor = whole(first[0]) if first is not None else None
        if cursor is None or not times or order is None or not _is_sorted(times, order):
            continue
        if times[0] > cursor if order == _DESC else times[0] < cursor:
            age = "newer" if order == _DESC else "older"
            message = f"{page.summary} begins with a video that is {abs(times[0] - cursor)} s {age} than its cursor"
            tally.found(message, page, once="before")


@rule(
    "VID-LIST-011",
    "a new job is in the list immediately",
    needs="a first page after a create",
    probes=("concurrent_creates",),
)
def new_jobs_are_listed(traffic: Traffic, tally: Tally) -> None:
    """Find jobs of this run that are not on the first page, although they are newer than its last video."""
    for page in traffic.pages:
        times, ids = _times(page), _ids(page)
        is_first = "after" not in traffic.parameters(page) and _order(traffic, page) == _DESC
        limit = _limit(traffic, page)
        if not is_first or limit is None or not _is_sorted(times, _DESC):
            continue
        # More videos may follow a full page; whether has_more says so is another requirement.
        is_all = page.object.get("has_more") is False and len(ids) < limit
        if any(start.id in ids for start in traffic.new):
            tally.judged()
        for start in _absent(traffic, page, ids):
            if is_all or (times and _created(start) > times[-1]):
                message = f"the job {start.id} was created, and is not in a list that was requested later"
                tally.found(message, start.exchange, page, once=start.id)


@rule(
    "VID-LIST-014",
    "a page is full while there are videos after it",
    needs="a page with has_more true, and the next",
    probes=("walks",),
    jobs=MANY,
)
def pages_are_full(traffic: Traffic, tally: Tally) -> None:
    """Compare the length of each page that another one follows with its limit."""
    following = {
        (_once(traffic, page, "after"), _order(traffic, page))
        for page in traffic.pages
        if json_array(page.object["data"])
    }
    for page in traffic.pages:
        limit = _limit(traffic, page)
        if limit is None or page.object.get("has_more") is not True or not _ids(page):
            continue
        if (_ids(page)[-1], _order(traffic, page)) not in following:
            continue  # whether there are videos after it is another requirement
        tally.judged()
        count = len(json_array(page.object["data"]))
        if count < limit:
            tally.found(
                f"{page.summary} holds {count} videos, fewer than {limit}, with has_more true", page, once=limit
            )
