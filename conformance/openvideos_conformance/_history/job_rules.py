"""Judge the responses to creates, retrieves, remixes, edits, extensions and characters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.flaws import told
from .._core.operations import CHARACTER, VIDEO
from .._core.request_validation import source_of
from .._judging.assertions import shown
from .rule import Rule, rule
from .traffic import FUZZ, Start, is_unfinished, number, same_value, video_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_CREATES: Final = ("concurrent_creates",)
_NOT_FOUND: Final = 404
_OF_HTTP: Final = frozenset({405, 406, 408, 411, 412, 414, 417, 421, 426, 431, 501, 505})
"""Statuses that any HTTP server may return before it looks at the operation, or if it does not offer it."""
_OF_NO_JOB: Final = _OF_HTTP | {304, 410, 429, 503, _NOT_FOUND}
"""Statuses that a retrieve of a known job may return, or that another requirement judges."""


def _fits(
    requirement: str, name: str, operation: str, address: str, *, form: bool | None = None, probes: tuple[str, ...] = ()
) -> Rule:
    """Return the rule that each successful response of an operation is a 200 whose body fits a schema."""
    what = address.rpartition("/")[2]

    @rule(requirement, name, needs=f"an accepted {operation.replace('_', ' ')}", probes=probes)
    def judge(traffic: Traffic, tally: Tally) -> None:
        for exchange in traffic.of(operation):
            if not exchange.is_ok or (form is not None and _is_form(exchange) is not form):
                continue
            if traffic.is_of_illegal_create(exchange.object):
                continue  # it was to be refused, which another requirement says
            tally.judged()
            if exchange.status != 200:  # noqa: PLR2004 - HTTP's own
                tally.found(f"{exchange.summary}, not 200", exchange, once=exchange.status)
                continue
            flaws = traffic.flaws(exchange.object, address) if exchange.object else ["the body is not a JSON object"]
            if flaws:
                message = f"{exchange.summary} does not fit {what}: {told(flaws)}"
                tally.found(message, exchange, once=tuple(flaws[:3]))

    return judge


def _is_form(exchange: Exchange) -> bool:
    return (exchange.request_header("content-type") or "").lower().startswith("multipart/")


created_jobs_fit = _fits("VID-CREATE-001", "a create is a 200 with a Video", "create_video", VIDEO, probes=_CREATES)
remixes_fit = _fits("VID-REMIX-001", "a remix is a 200 with a Video", "remix_video", VIDEO)
edits_fit = _fits("VID-EDIT-001", "an edit by id is a 200 with a Video", "edit_video", VIDEO, form=False)
edits_of_files_fit = _fits("VID-EDIT-002", "an edit of a file is a 200 with a Video", "edit_video", VIDEO, form=True)
extensions_fit = _fits("VID-EXTEND-001", "an extension is a 200 with a Video", "extend_video", VIDEO)
characters_fit = _fits("VID-CHAR-001", "a character is a 200 that fits its schema", "create_character", CHARACTER)


# ---------------------------------------------------------------- what was requested
def _echoes(
    requirement: str,
    name: str,
    operation: str,
    field: str,
    *,
    probes: tuple[str, ...] = (),
    jobs: tuple[str, ...] = (),
) -> Rule:
    """Return the rule that a field of a new job has the requested value. Only legal values are compared."""
    needs = f"an accepted {operation.replace('_', ' ')} that names its {field}"

    @rule(requirement, name, needs=needs, probes=probes, jobs=jobs)
    def judge(traffic: Traffic, tally: Tally) -> None:
        for start in _started(traffic, operation):
            requested, first = start.exchange.request_fields.get(field), traffic.first_value(start.id, field)
            if first is None or not traffic.is_legal(field, requested):
                continue
            tally.judged()
            value, exchange = first
            if not same_value(field, value, requested):
                message = f"{operation} requested {field} {shown(requested)}, and the job has {shown(value)}"
                tally.found(message, start.exchange, *([exchange] if exchange is not start.exchange else []))

    return judge


def _started(traffic: Traffic, operation: str) -> Iterator[Start]:
    """Return the jobs that an operation has started from jobs whose creates were legal."""
    started = (start for start in traffic.new if start.exchange.operation == operation)
    return (start for start in started if start.id not in traffic.illegal_ids)


prompts_are_echoed = _echoes(
    "VID-CREATE-004",
    "a job has exactly its prompt",
    "create_video",
    "prompt",
    probes=_CREATES,
    jobs=("longest", "json"),
)
sizes_are_echoed = _echoes(
    "VID-CREATE-005", "a job has the size that was requested", "create_video", "size", probes=_CREATES
)
seconds_are_echoed = _echoes(
    "VID-CREATE-006", "a job has the seconds that were requested", "create_video", "seconds", probes=_CREATES
)
models_are_echoed = _echoes(
    "VID-CREATE-007", "a job has the model that was requested", "create_video", "model", probes=_CREATES
)
remixes_have_their_prompt = _echoes(
    "VID-REMIX-003", "a remix has its own prompt", "remix_video", "prompt", probes=("remix",)
)
edits_have_their_prompt = _echoes("VID-EDIT-001", "an edit has its own prompt", "edit_video", "prompt")
extensions_have_their_prompt = _echoes("VID-EXTEND-001", "an extension has its own prompt", "extend_video", "prompt")


@rule("VID-CREATE-009", "each job has an id of its own", needs="two accepted creates", probes=_CREATES)
def ids_are_unique(traffic: Traffic, tally: Tally) -> None:
    """Find new jobs with the id of another job."""
    seen: dict[str, Exchange] = {}
    for start in traffic.new:
        other = seen.setdefault(start.id, start.exchange)
        if other is start.exchange:
            known = (*traffic.single.get(start.id, ()), *traffic.listed.get(start.id, ()))
            other = next((each.exchange for each in known if each.exchange.is_before(start.exchange)), other)
        if other is not start.exchange:
            message = f"the id {start.id} of a new job was that of another job before"
            tally.found(message, other, start.exchange, once=start.id)
    if len(traffic.new) > 1:
        tally.instances += len(traffic.new)


@rule("VID-CREATE-010", "a new job is known immediately", needs="a retrieve of a job after its create", probes=_CREATES)
def new_jobs_are_known(traffic: Traffic, tally: Tally) -> None:
    """Find retrieves that return 404 for a job that was created before and not retrieved since."""
    for start, exchange, found in _retrieves_of_ours(traffic):
        if found is None:
            tally.judged()
            if exchange.status == _NOT_FOUND:
                message = f"the job {start.id} was created, and then retrieved: {exchange.status}"
                tally.found(message, start.exchange, exchange, once=start.id)


@rule("VID-DELETE-007", "a job that nobody deletes stays", needs="two retrieves of one job")
def jobs_do_not_vanish(traffic: Traffic, tally: Tally) -> None:
    """Find retrieves that return 404 for a job that was retrieved before and not deleted."""
    for start, exchange, found in _retrieves_of_ours(traffic):
        if found is not None:
            tally.judged()
            if exchange.status == _NOT_FOUND:
                message = f"the job {start.id} was retrieved, was not deleted, and then was unknown: {exchange.status}"
                tally.found(message, found, exchange, once=start.id)


def _retrieves_of_ours(traffic: Traffic) -> Iterator[tuple[Start, Exchange, Exchange | None]]:
    """Yield the retrieves of the run's own jobs that exist, each with an earlier successful retrieve, or None."""
    starts: dict[str, Start] = {}
    for start in traffic.new:
        starts.setdefault(start.id, start)
    found: dict[str, Exchange] = {}
    for exchange in traffic.of("retrieve_video"):
        start_or_none = starts.get(video_id_of(exchange))
        if start_or_none is None or exchange.failure:
            continue
        start = start_or_none
        if exchange.is_ok and (start.id not in found or exchange.ended < found[start.id].ended):
            found[start.id] = exchange
        if not start.exchange.is_before(exchange) or not exchange.has_key or traffic.may_be_gone(start.id, exchange):
            continue
        earlier = found.get(start.id)
        is_earlier = earlier is not None and earlier.is_before(exchange)
        if exchange.status == _NOT_FOUND and _has_expired(traffic, start.id, exchange):
            continue
        yield start, exchange, earlier if is_earlier else None


def _has_expired(traffic: Traffic, video_id: str, exchange: Exchange) -> bool:
    first = traffic.first_value(video_id, "expires_at")
    return first is not None and isinstance(first[0], int | float) and first[0] <= exchange.at + 60  # clocks differ


@rule("VID-CREATE-014", "a new job is no remix and has no error", needs="an accepted create", probes=_CREATES)
def new_jobs_are_plain(traffic: Traffic, tally: Tally) -> None:
    """Judge remixed_from_video_id and error of new jobs, in creates and in later responses."""
    for start in _started(traffic, "create_video"):
        for snapshot in (*traffic.single[start.id], *traffic.listed.get(start.id, ())):
            tally.judged()
            source = snapshot.video.get("remixed_from_video_id")
            if source is not None:
                message = f"the job {start.id} is not a remix, but its remixed_from_video_id is {shown(source)}"
                tally.found(message, start.exchange, snapshot.exchange, once=start.id)
        error, status = start.exchange.object.get("error"), start.exchange.object.get("status")
        if error is not None and status != "failed":
            message = f"a create returned the status {shown(status)} and the error {shown(error)}"
            tally.found(message, start.exchange, once=start.id)


# ---------------------------------------------------------------- retrieve
@rule("VID-RETRIEVE-001", "a retrieve is a 200 with a Video", needs="a retrieve of a job")
def retrieved_jobs_fit(traffic: Traffic, tally: Tally) -> None:
    """Judge each successful retrieve, and each refused retrieve of a known job."""
    known: dict[str, Exchange] = {}
    for start in traffic.new:
        known.setdefault(start.id, start.exchange)
    for exchange in traffic.of("retrieve_video"):
        video_id = video_id_of(exchange)
        if video_id in traffic.illegal_ids or _is_failed_job(exchange):
            continue
        if exchange.is_ok:
            tally.judged()
            flaws = traffic.flaws(exchange.object, VIDEO) if exchange.object else ["the body is not a JSON object"]
            if exchange.status != 200:  # noqa: PLR2004 - HTTP's own
                tally.found(f"{exchange.summary}, not 200", exchange, once=exchange.status)
            elif flaws:
                message = f"{exchange.summary} does not fit Video: {told(flaws)}"
                tally.found(message, exchange, once=tuple(flaws[:3]))
            continue
        created = known.get(video_id)
        is_plain = exchange.has_key and exchange.layer != FUZZ and not exchange.query and not exchange.request_body
        is_there = created is not None and created.is_before(exchange) and not traffic.may_be_gone(video_id, exchange)
        if is_plain and is_there and not exchange.failure and exchange.status not in _OF_NO_JOB:
            tally.judged()
            tally.found(
                f"the job {video_id} is known, and its retrieve returned {exchange.status}", exchange, once=video_id
            )


def _is_failed_job(exchange: Exchange) -> bool:
    """Tell whether an error has the failed job as its body, which another requirement judges."""
    return not exchange.is_ok and exchange.object.get("status") == "failed"


@rule("VID-RETRIEVE-002", "the id of a job is the one that was requested", needs="a retrieve of a job")
def ids_are_those_asked_for(traffic: Traffic, tally: Tally) -> None:
    """Compare the id in each response with the id in the path."""
    for exchange in traffic.of("retrieve_video"):
        video_id, returned_id = exchange.ids.get("video_id", ""), exchange.object.get("id")
        if exchange.is_ok and isinstance(returned_id, str):
            tally.judged()
            if returned_id != video_id:
                tally.found(f"the id {video_id!r} was requested, and {returned_id!r} was returned", exchange)


@rule("VID-RETRIEVE-005", "a running job has a poll hint", needs="a retrieve of a running job", probes=("unfinished",))
def running_jobs_have_a_hint(traffic: Traffic, tally: Tally) -> None:
    """Find retrieves of running jobs without a poll hint."""
    for snapshots in traffic.single.values():
        for snapshot in snapshots:
            if snapshot.exchange.operation == "retrieve_video" and is_unfinished(snapshot, snapshots):
                tally.judged()
                if snapshot.exchange.header("openai-poll-after-ms") is None:
                    message = f"{snapshot.exchange.summary}: the job is {snapshot.status}, and there is no "
                    tally.found(f"{message}openai-poll-after-ms", snapshot.exchange, once=True)


@rule(
    "VID-RETRIEVE-006",
    "poll hints are whole milliseconds",
    needs="a response with openai-poll-after-ms",
    probes=("unfinished",),
)
def hints_are_whole(traffic: Traffic, tally: Tally) -> None:
    """Judge the form of each poll hint."""
    for exchange in traffic.with_response:
        hint = exchange.header("openai-poll-after-ms")
        if hint is not None:
            tally.judged()
            if not (hint.strip().isascii() and hint.strip().isdecimal()):
                message = f"{exchange.summary} has openai-poll-after-ms {shown(hint)}, not whole milliseconds"
                tally.found(message, exchange, once=True)


@rule("VID-RETRIEVE-007", "a Video has the recommended fields", needs="a response with a Video")
def videos_have_what_is_recommended(traffic: Traffic, tally: Tally) -> None:
    """Find recommended fields that are absent, or that are null in a completed job, which has a value of them."""
    recommended: list[str] = traffic.contract.schema("Video")["x-recommended"]
    for by_id in (traffic.single, traffic.listed):
        for video_id, snapshots in by_id.items():
            for snapshot in snapshots if video_id not in traffic.illegal_ids else ():
                tally.judged()
                absent = [field for field in recommended if field not in snapshot.video]
                if snapshot.status == "completed":
                    absent += [field for field in _VALUED if snapshot.video.get(field, "") is None]
                if absent:
                    operation = snapshot.exchange.operation
                    message = f"{operation} returned the job {video_id} ({snapshot.status}) without {', '.join(absent)}"
                    tally.found(message, snapshot.exchange, once=(operation, *absent))


_VALUED: Final = ("progress", "prompt", "size", "seconds")
"""The fields of which each completed job has a value, so that null hides it."""


# ---------------------------------------------------------------- remix, extend, characters
@rule(
    "VID-REMIX-002", "a remix names its source", needs="an accepted remix with remixed_from_video_id", probes=("remix",)
)
def remixes_name_their_source(traffic: Traffic, tally: Tally) -> None:
    """Compare remixed_from_video_id of each remix with the id in the path."""
    for start in _started(traffic, "remix_video"):
        source = video_id_of(start.exchange)
        for snapshot in traffic.single[start.id]:
            if "remixed_from_video_id" not in snapshot.video:
                continue  # it is recommended, not required
            tally.judged()
            named = snapshot.video["remixed_from_video_id"]
            if named != source:
                message = f"the remix of {source} has remixed_from_video_id {shown(named)}"
                tally.found(message, snapshot.exchange, once=start.id)


@rule(
    "VID-REMIX-003",
    "a remix has the model, seconds and size of its source",
    needs="an accepted remix",
    probes=("remix",),
)
def remixes_are_like_their_source(traffic: Traffic, tally: Tally) -> None:
    """Compare each remix with its source, in the fields that are known of both."""
    for start in _started(traffic, "remix_video"):
        for field in ("model", "seconds", "size"):
            remix, source = (
                traffic.first_value(start.id, field),
                traffic.first_value(video_id_of(start.exchange), field),
            )
            if remix is None or source is None:
                continue
            tally.judged()
            if not same_value(field, remix[0], source[0]):
                message = f"the remix {start.id} has {field} {shown(remix[0])}, and its source {shown(source[0])}"
                tally.found(message, source[1], remix[1])


@rule(
    "VID-EXTEND-002",
    "an extension adds to the seconds of its source",
    needs="an accepted extension of a job",
    probes=("extension",),
)
def extensions_add_up(traffic: Traffic, tally: Tally) -> None:
    """Compare the seconds of each extension with those of its source plus those that were added."""
    for start in _started(traffic, "extend_video"):
        extended = traffic.first_value(start.id, "seconds")
        source = traffic.first_value(source_of(start.exchange.request_fields) or "", "seconds")
        added = number(start.exchange.request_fields.get("seconds"))
        total, before = (number(each[0]) if each is not None else None for each in (extended, source))
        if total is None or before is None or added is None:
            continue
        tally.judged()
        if total != before + added:
            message = f"{before:g} s extended by {added:g} s are {before + added:g} s; the extension has {total:g} s"
            tally.found(message, start.exchange)
