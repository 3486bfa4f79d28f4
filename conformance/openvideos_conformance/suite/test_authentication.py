"""Check that every operation refuses requests without a right key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.exchange import OTHER_CALLER, json_object
from .._core.operations import CREATING, video_path
from .._core.outcomes import NotReachedError, UnsupportedError
from .._core.own_jobs import created_ids
from .._core.target import KEY_VARIABLE
from .._judging.assertions import BAD_INPUT, NOT_COMPLETED, accepted, expect, shown, violated
from .._judging.list_walks import ids_on
from .._probes.invalid_requests import marked, newest
from .._probes.list_walks import largest
from .._probes.other_caller import ask_as_another
from .._probes.unauthorized_requests import other_schemes, wrong_keys
from .._pytest.marker import Phase, checks
from .._server.capabilities import NO_OPERATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.exchange import Exchange
    from .._probes.unauthorized_requests import UnauthorizedRequests
    from .._server.capabilities import Capabilities
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_UNAUTHORIZED = 401
_DOOMED = ("longest",)
"""The job of the unauthorized deletion, which is lost if a server carries that out."""


@checks("VID-AUTH-001", jobs=_DOOMED)
def test_no_operation_accepts_a_missing_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    was_there = _is_there(client, unauthorized)
    unauthorized.send_reads(None)
    sent = [(unauthorized.send_once(each, None), f"{each.what} without a key") for each in unauthorized.requests()]
    _are_not_admitted(sent)
    if was_there:
        _is_still_there(client, unauthorized, "without a key")


@checks("VID-AUTH-002", jobs=_DOOMED)
def test_no_operation_accepts_a_wrong_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    wrong = wrong_keys(unauthorized.key)
    was_there = _is_there(client, unauthorized)
    unauthorized.send_reads(*(f"Bearer {key}" for key in wrong), among=("list_videos", "retrieve_video"))
    unauthorized.send_reads(f"Bearer {wrong[0]}")
    reads = unauthorized.requests("list_videos", "retrieve_video")
    pairs = [(each, key) for each in reads for key in wrong] + [(each, wrong[0]) for each in unauthorized.requests()]
    _are_not_admitted(
        [(unauthorized.send_once(each, f"Bearer {key}"), f"{each.what} with a wrong key") for each, key in pairs]
    )
    if was_there:
        _is_still_there(client, unauthorized, "with a wrong key")
    for request in unauthorized.requests(
        "list_videos", "retrieve_video"
    ):  # a header may hold such bytes; a server may refuse them as a header
        exchange = unauthorized.send_once(request, "Bearer cl\xe9")
        if not exchange.is_busy:
            expect(exchange, {400, _UNAUTHORIZED}, f"{request.what} with a key that is not ASCII")


@checks("VID-AUTH-003", jobs=_DOOMED)
def test_a_key_under_another_scheme_is_refused(unauthorized: UnauthorizedRequests) -> None:
    schemes = other_schemes(unauthorized.key)
    unauthorized.send_reads(*schemes.values(), among=("list_videos", "retrieve_video"))
    requests = unauthorized.requests("list_videos", "retrieve_video")
    pairs = [(each, what) for each in requests for what in schemes]
    _are_not_admitted(
        [(unauthorized.send_once(each, schemes[what]), f"{each.what} with {what}") for each, what in pairs]
    )


@checks("VID-AUTH-004", jobs=_DOOMED)
def test_unauthorized_clients_do_not_learn_which_ids_exist(unauthorized: UnauthorizedRequests) -> None:
    compared = 0
    for credential in (None, f"Bearer {wrong_keys(unauthorized.key)[0]}"):
        by_operation = {
            operation: [
                (request, unauthorized.send_once(request, credential)) for request in unauthorized.requests(operation)
            ]
            for operation in ("retrieve_video", "download_video_content", "remix_video")
        }
        if any(exchange.is_ok for sent in by_operation.values() for _, exchange in sent):
            continue  # whom a server admits it does not refuse, which is another requirement
        for operation, exchanges in by_operation.items():
            known = [exchange for request, exchange in exchanges if request.is_known]
            unknown = [exchange for request, exchange in exchanges if not request.is_known]
            for one, other in zip(known, unknown, strict=True):
                if one.is_busy or other.is_busy:
                    continue
                compared += 1
                if _refusal(one) != _refusal(other):
                    raise violated(
                        f"without a right key, {operation} returns {shown(_refusal(one))} for an id that exists and "
                        f"{shown(_refusal(other))} for one that does not",
                        one,
                        other,
                    )
    if not compared:
        raise NotReachedError("no two refusals of a known and an unknown id could be compared")


@checks("VID-AUTH-006", jobs=_DOOMED)
def test_the_scheme_is_accepted_in_any_case(unauthorized: UnauthorizedRequests) -> None:
    usual = [
        (request, unauthorized.send_once(request, f"Bearer {unauthorized.key}"))
        for request in unauthorized.requests("list_videos", "retrieve_video")
    ]
    admitted = [request for request, exchange in usual if exchange.is_ok]
    if not admitted:
        raise NotReachedError("no request is accepted with the right key", *(exchange for _, exchange in usual))
    for scheme in ("bearer", "BEARER"):
        for request in admitted:
            accepted(
                unauthorized.send_once(request, f"{scheme} {unauthorized.key}"),
                f"{request.what} with the scheme {scheme!r}",
            )


@checks("VID-AUTH-007", phase=Phase.LATE, jobs=_DOOMED)
def test_an_unauthorized_create_starts_no_job(
    client: RecordingClient, offered: Capabilities, unauthorized: UnauthorizedRequests
) -> None:
    for request in unauthorized.requests("create_video"):
        far, near = wrong_keys(unauthorized.key)[:2]
        for credential, who in ((None, "no key"), (f"Bearer {far}", "a wrong key"), (f"Bearer {near}", "a longer key")):
            exchange = unauthorized.send_once(request, credential)
            if exchange.is_ok and exchange.operation in CREATING:
                raise violated(
                    f"a create with {who} started the job {shown(exchange.object.get('id'))}",
                    exchange,
                    statuses={_UNAUTHORIZED},
                )
    videos, pages = newest(client, offered)
    for video in marked(videos, unauthorized.marker):
        raise violated(
            f"the job {shown(video.get('id'))} has the prompt of an unauthorized create",
            *[each for each in unauthorized.exchanges() if each.operation in CREATING][:1],
            *pages[:1],
        )
    mine = created_ids(client.history)
    if not mine & {str(video.get("id")) for video in videos}:
        raise NotReachedError(
            "the list lacks jobs that were started, so it might lack one of an unauthorized create, too", *pages
        )


# ---------------------------------------------------------------- other callers
@checks("VID-AUTH-008")
def test_a_list_holds_no_video_of_another_caller(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"].id
    query = {"limit": largest(client.contract)}
    page = ask_as_another(client, "GET", "/videos", query=query)
    if not page.is_ok:
        raise NotReachedError(f"another caller gets no list: {page.summary}", page)
    held = created_ids(each for each in client.history if each.layer != OTHER_CALLER) & set(ids_on(page))
    if held:
        raise violated(f"the list of another caller holds {known if known in held else min(held)!r}", page)


@checks("VID-AUTH-009")
def test_a_video_of_another_caller_is_unknown(client: RecordingClient, jobs: JobPool) -> None:
    path = jobs["plain"].path
    expect(ask_as_another(client, "GET", path), 404, "retrieving a video of another caller")
    head = ask_as_another(client, "HEAD", path)
    if head.is_ok:
        raise violated(f"HEAD of a video of another caller: returned {head.status}, as if it existed", head)
    expect(ask_as_another(client, "GET", f"{path}/content"), 404, "the content of a job of another caller")


@checks("VID-AUTH-009", phase=Phase.LATE)
def test_the_files_of_another_caller_are_unknown(client: RecordingClient, jobs: JobPool) -> None:
    path = jobs.completed().path
    for query in ({}, {"variant": "thumbnail"}):
        exchange = ask_as_another(client, "GET", f"{path}/content", query=query)
        allowed = {404} if not query else {404, 501, *BAD_INPUT}  # a variant may be one that the server does not offer
        expect(exchange, allowed, "the content of a completed video of another caller")


@checks("VID-AUTH-010", jobs=_DOOMED)
def test_a_video_of_another_caller_cannot_be_deleted(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs[_DOOMED[0]]
    before = client.get(job.path)
    deletion = ask_as_another(client, "DELETE", job.path)
    after = client.get(job.path)
    if before.is_ok and not after.is_ok:
        raise violated(f"another caller has deleted {job.id}, which now returns {after.status}", deletion, after)
    expect(deletion, NO_OPERATION, "deleting a video of another caller")


@checks("VID-AUTH-010", phase=Phase.LATE)
def test_the_files_of_a_video_stay_when_another_caller_deletes_it(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs.completed(_DOOMED[0])
    before = client.get(f"{job.path}/content")
    deletion = ask_as_another(client, "DELETE", job.path)
    after = client.get(f"{job.path}/content")
    if not before.is_ok:
        raise NotReachedError(f"the content of the job is not returned: {before.summary}", before)
    if not after.is_ok or not after.body:  # that a file does not change is another requirement
        raise violated(f"another caller has deleted the file of {job.id}: {after.summary}", deletion, after)


@checks("VID-AUTH-011", phase=Phase.LATE)
def test_a_video_of_another_caller_is_no_source(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> None:
    job = jobs.completed()
    body = {"prompt": "The boat sinks", "video": {"id": job.id}}
    seconds = {"seconds": client.target.duration(client.contract)}
    requests = {
        "remix": (f"{job.path}/remix", {"prompt": body["prompt"]}),
        "edits": ("/videos/edits", body),
        "extensions": ("/videos/extensions", body | seconds),
    }
    sent = [(name, path, body) for name, (path, body) in requests.items() if offered.has(name)]
    for name, path, fields in sent:
        exchange = ask_as_another(client, "POST", path, json=fields)
        expect(exchange, NOT_COMPLETED, f"{name} of a video of another caller")
    if not sent:
        raise UnsupportedError("the server offers no remixes, edits and extensions")


def _is_there(client: RecordingClient, unauthorized: UnauthorizedRequests) -> bool:
    """Tell whether the job of the unauthorized deletion can be retrieved."""
    return bool(unauthorized.doomed) and client.get(video_path(unauthorized.doomed)).is_ok


def _are_not_admitted(sent: Sequence[tuple[Exchange, str]]) -> None:
    """Expect that requests are refused. A server that is busy, or tired of wrong keys, has not admitted them either.

    Raises:
        NotReachedError: The server was too busy to refuse any.

    """
    # What is admitted says more than what is refused with another status.
    for exchange, what in sorted(sent, key=lambda pair: not pair[0].is_ok):
        if exchange.is_ok and exchange.request_header("authorization") is None:
            advice = f"a server that needs no key is judged without --api-key and {KEY_VARIABLE}"
            raise violated(f"{what}: returned {exchange.status}, not 401; {advice}", exchange, statuses={_UNAUTHORIZED})
        if not exchange.is_busy:
            expect(exchange, _UNAUTHORIZED, what)
    if all(exchange.is_busy for exchange, _ in sent):
        raise NotReachedError("the server was too busy to refuse a key", *(exchange for exchange, _ in sent[:1]))


def _is_still_there(client: RecordingClient, unauthorized: UnauthorizedRequests, who: str) -> None:
    path = video_path(unauthorized.doomed)
    after = client.get(path)
    if not after.is_ok:
        deletions = [each for each in unauthorized.exchanges() if each.method == "DELETE" and each.path == path]
        raise violated(
            f"the job {unauthorized.doomed}, which a request {who} tried to delete, now returns {after.status}",
            *deletions,
            after,
        )


def _refusal(exchange: Exchange) -> tuple[object, ...]:
    """Return the parts of a refusal that could reveal an id: all but the message and the request id."""
    error = json_object(exchange.object.get("error"))
    return (exchange.status, exchange.media_type, *(error.get(name) for name in ("type", "param", "code")))
