"""Play out what several checks look at: jobs that are started at once, a remix, a deletion.

Here is what is sent; the checks decide what it means. `_shared` plays each scene once in a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .._core.outcomes import NotReachedError
from .._judging.list_walks import present
from .concurrently import together
from .list_walks import largest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._core.exchange import Exchange
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import Wire

BUSY: Final = frozenset({429, 503})
"""How a server says that it has too much to do just now, which says nothing about the request."""

NOT_OFFERED: Final = frozenset({400, 404, 422})
"""How a create is refused whose model, size or duration the server does not offer."""

PROMPTS: Final = (
    'Half full & half "empty": a <b>glass</b>, 50%25 of it, C:\\new',
    "A door opens.\nA cat comes in;\tit sits  down.",
    "Cafe\u0301, café, 👩‍🚀, 👨‍👩‍👧, 𠜎, עברית, ไทย, Ελληνικά",
)
"""What forms, databases and templates garble."""

_CLIENTS: Final = 4
_NEIGHBOURS: Final = 4
_MOST: Final = 1 << 16
"""How much of a file is read to see that it is there, from a server that answers no ranges."""


def path_of(video_id: str) -> str:
    """Return the path of a job."""
    return f"/videos/{quote(video_id, safe='')}"


def id_of(exchange: Exchange) -> str:
    """Return the id in an answer, or an empty one."""
    value = exchange.object.get("id")
    return value if isinstance(value, str) else ""


def create(wire: Wire, jobs: JobPool, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Exchange:
    """Ask for a job as a form, or as JSON where the server was seen to take no form."""
    if jobs.refused_form is not None:
        return wire.post("/videos", json=dict(fields), headers=headers)
    return wire.post("/videos", form=dict(fields), headers=headers)


def asked_for(jobs: JobPool, name: str) -> Exchange:
    """Return what the create of a kind of job was answered, also if that was a refusal.

    Raises:
        OutcomeError: It was never asked for, or the server has too much to do.

    """
    try:
        exchange = jobs[name].created
    except NotReachedError as outcome:
        if not outcome.exchanges:
            raise
        exchange = outcome.exchanges[0]
    return not_busy(exchange)


def not_busy(exchange: Exchange) -> Exchange:
    """Return an exchange, unless the server says that it has too much to do.

    Raises:
        NotReachedError: It says so.

    """
    if exchange.status in BUSY:
        message = f"the server is too busy: {exchange.told}"
        raise NotReachedError(message, exchange)
    return exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One of several jobs that were started at once, and what was asked right behind its create."""

    created: Exchange
    retrieved: Exchange
    listed: Exchange

    @property
    def id(self) -> str:
        """The id that the create gave."""
        return id_of(self.created)

    @property
    def path(self) -> str:
        """The path of the job."""
        return path_of(self.id)


def start_at_once(wire: Wire, jobs: JobPool) -> list[Take]:
    """Start several jobs at the same moment, and then the first once more; return those that were accepted.

    Each asks for a model, a size and a duration by name: the contract's defaults, where the operator has named none.

    Raises:
        NotReachedError: Fewer than two were accepted.

    """
    schemas = {"model": "VideoModel", "size": "VideoSize", "seconds": "VideoSeconds"}
    defaults = {field: wire.contract.default(name) for field, name in schemas.items()}
    named = {field: default for field, default in defaults.items() if default is not None}

    def start(fields: Mapping[str, str]) -> Take | Exchange:
        created = create(wire, jobs, fields)
        if not created.is_ok or not id_of(created):
            return created
        path = path_of(id_of(created))
        retrieved = wire.get(path)
        return Take(
            created=created, retrieved=retrieved, listed=wire.get("/videos", query={"limit": largest(wire.contract)})
        )

    def start_all(named: Mapping[str, str]) -> list[Take | Exchange]:
        choices = [{**named, **wire.target.choice(prompt=prompt)} for prompt in PROMPTS]
        takes = together([partial(start, choice) for choice in choices])
        return [*takes, start(choices[0])] if isinstance(takes[0], Take) else takes

    answers = start_all(named)
    if all(not isinstance(each, Take) and each.status in NOT_OFFERED for each in answers):
        answers = start_all({})
    takes = [each for each in answers if isinstance(each, Take)]
    if len(takes) < 2:  # noqa: PLR2004 - at once means two at least
        refused = [each for each in answers if not isinstance(each, Take)]
        told = "; ".join(each.told for each in refused)
        message = f"of {len(PROMPTS)} jobs that were asked for at once, {len(takes)} were accepted: {told}"
        raise NotReachedError(message, *refused)
    return takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Remix:
    """A remix of the completed plain job, with what its source was before and behind it."""

    source: Job
    before: Exchange
    created: Exchange
    after: Exchange
    key: str
    fields: Mapping[str, str]


def remix_the_plain(wire: Wire, jobs: JobPool) -> Remix:
    """Remix the completed plain job, under an idempotency key, which a server that knows none ignores."""
    source = jobs.completed()
    key = f"openvideos-conformance-{wire.run_id}-remix"
    fields = {"prompt": "The boat is a paper boat now, «безмолвный» — 紙の舟"}
    before = wire.get(source.path)
    created = wire.post(f"{source.path}/remix", json=fields, headers={"idempotency-key": key})
    after = wire.get(source.path)
    return Remix(source=source, before=before, created=created, after=after, key=key, fields=fields)


def extend_the_plain(wire: Wire, jobs: JobPool) -> Exchange:
    """Extend the completed plain job, by its own duration, or else by one of those that vendors offer."""
    job = jobs.completed()
    own = wire.target.seconds or str(job.video.get("seconds") or "4")
    answers: list[Exchange] = []
    for seconds in dict.fromkeys((own, "4", "8", "5")):
        body = {"prompt": "The boat drifts on", "seconds": seconds, "video": {"id": job.id}}
        answers.append(wire.post("/videos/extensions", json=body))
        if answers[-1].status not in {400, 422}:
            return answers[-1]
    return answers[0]


def create_character(wire: Wire, video: bytes) -> Exchange:
    """Create a character from a video."""
    form = {"name": "Ada Łovelace, エイダ", "video": ("ada.mp4", video, "video/mp4")}
    return wire.post("/videos/characters", form=form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The deletion of a job that had ended, with what was there before and behind it."""

    job: Job
    others: tuple[tuple[Exchange, Exchange], ...]
    """What was asked about other jobs of the run before the deletion and behind it."""
    page_before: Exchange
    """The page behind the job, while it was there."""
    deleted: Exchange
    page_after: Exchange
    """The same page, asked for with the cursor of a job that is gone."""
    retrieved: Exchange
    content: Exchange
    again: Exchange


def delete_the_doomed(wire: Wire, jobs: JobPool) -> Deletion:
    """Delete the job that is meant for it, and look around.

    Raises:
        OutcomeError: The job was not accepted, or did not end.

    """
    job = jobs.ended("doomed")
    own = present(wire.history)
    place = own.index(job.id) if job.id in own else 0
    nearest = sorted(own, key=lambda video_id: abs(own.index(video_id) - place))
    paths = [path_of(video_id) for video_id in nearest if video_id != job.id][:_NEIGHBOURS]
    page = {"after": job.id, "limit": 5}
    before = _seen(wire, paths)
    page_before = wire.get("/videos", query=page)
    deleted = wire.delete(job.path)
    return Deletion(
        job=job,
        others=tuple(zip(before, _seen(wire, paths), strict=True)),
        page_before=page_before,
        deleted=deleted,
        page_after=wire.get("/videos", query=page),
        retrieved=wire.get(job.path),
        content=wire.get(f"{job.path}/content"),
        again=wire.delete(job.path),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Deletions of one job at the same moment, with what was asked about its twin before and behind them."""

    deletions: tuple[Exchange, ...]
    others: tuple[tuple[Exchange, Exchange], ...]


def race_to_delete(wire: Wire, takes: list[Take]) -> Race:
    """Delete the last of several jobs from several clients at once; the first, which may be its twin, must stay."""
    path = takes[-1].path
    before = _seen(wire, [takes[0].path])
    deletions = together([partial(wire.delete, path)] * _CLIENTS)
    after = _seen(wire, [takes[0].path])
    return Race(deletions=tuple(deletions), others=tuple(zip(before, after, strict=True)))


def _seen(wire: Wire, paths: list[str]) -> list[Exchange]:
    """Retrieve jobs, and ask for the first byte of what each has made."""
    retrieved = [wire.get(path) for path in paths]
    first = {"range": "bytes=0-0"}
    return [*retrieved, *(wire.get(f"{path}/content", headers=first, max_body=_MOST) for path in paths)]
