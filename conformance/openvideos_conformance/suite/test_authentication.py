"""Check that every operation refuses requests without a right key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.exchange import json_object
from .._core.operations import CREATING, video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import created_ids
from .._judging.assertions import expect, shown, violated
from .._probes.invalid_requests import marked, newest
from .._probes.unauthorized_requests import other_schemes, wrong_keys
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._probes.unauthorized_requests import UnauthorizedRequests
    from .._server.recording_client import RecordingClient

_UNAUTHORIZED = 401
_DOOMED = ("longest",)
"""The job of the unauthorized deletion, which is lost if a server carries that out."""


@checks("VID-AUTH-001", jobs=_DOOMED)
def test_no_operation_accepts_a_missing_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests():
        expect(unauthorized.send_once(request, None), _UNAUTHORIZED, f"{request.what} without a key")
    _is_still_there(client, unauthorized, "without a key")


@checks("VID-AUTH-002", jobs=_DOOMED)
def test_no_operation_accepts_a_wrong_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    wrong = wrong_keys(unauthorized.key)
    for request in unauthorized.requests("list_videos", "retrieve_video"):
        for key in wrong:
            expect(unauthorized.send_once(request, f"Bearer {key}"), _UNAUTHORIZED, f"{request.what} with a wrong key")
    for request in unauthorized.requests():
        expect(unauthorized.send_once(request, f"Bearer {wrong[0]}"), _UNAUTHORIZED, f"{request.what} with a wrong key")
    _is_still_there(client, unauthorized, "with a wrong key")
    for request in unauthorized.requests(
        "list_videos"
    ):  # a header may hold such bytes; a server may refuse them as a header
        expect(
            unauthorized.send_once(request, "Bearer cl\xe9"),
            {400, _UNAUTHORIZED},
            f"{request.what} with a key that is not ASCII",
        )


@checks("VID-AUTH-003", jobs=_DOOMED)
def test_a_key_under_another_scheme_is_refused(unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests("list_videos", "retrieve_video"):
        for what, value in other_schemes(unauthorized.key).items():
            expect(unauthorized.send_once(request, value), _UNAUTHORIZED, f"{request.what} with {what}")


@checks("VID-AUTH-004", jobs=_DOOMED)
def test_unauthorized_clients_do_not_learn_which_ids_exist(unauthorized: UnauthorizedRequests) -> None:
    for credential in (None, f"Bearer {wrong_keys(unauthorized.key)[0]}"):
        for operation in ("retrieve_video", "download_video_content", "remix_video"):
            exchanges = [
                (request, unauthorized.send_once(request, credential)) for request in unauthorized.requests(operation)
            ]
            known = [exchange for request, exchange in exchanges if request.is_known]
            unknown = [exchange for request, exchange in exchanges if not request.is_known]
            for one, other in zip(known, unknown, strict=True):
                if _refusal(one) != _refusal(other):
                    raise violated(
                        f"without a right key, {operation} returns {shown(_refusal(one))} for an id that exists and "
                        f"{shown(_refusal(other))} for one that does not",
                        one,
                        other,
                    )


@checks("VID-AUTH-005", jobs=_DOOMED)
def test_a_401_names_the_scheme(unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests("list_videos", "retrieve_video"):
        unauthorized.send_once(request, None)
    refused = [exchange for exchange in unauthorized.exchanges() if exchange.status == _UNAUTHORIZED]
    for exchange in refused:
        challenge = exchange.header("www-authenticate")
        if challenge is None or "bearer" not in challenge.lower():
            raise violated(
                f"{exchange.summary} has WWW-Authenticate {shown(challenge)}, not Bearer",
                exchange,
            )
    if not refused:
        raise NotReachedError("no request returned 401")


@checks("VID-AUTH-006", jobs=_DOOMED)
def test_the_scheme_is_accepted_in_any_case(unauthorized: UnauthorizedRequests) -> None:
    for scheme in ("bearer", "BEARER"):
        for request in unauthorized.requests("list_videos"):
            exchange = unauthorized.send_once(request, f"{scheme} {unauthorized.key}")
            expect(exchange, 200, f"{request.what} with the scheme {scheme!r}")


@checks("VID-AUTH-007", phase=Phase.LATE, jobs=_DOOMED)
def test_an_unauthorized_create_starts_no_job(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests("create_video"):
        for credential, who in ((None, "no key"), (f"Bearer {wrong_keys(unauthorized.key)[0]}", "a wrong key")):
            exchange = unauthorized.send_once(request, credential)
            if exchange.is_ok and exchange.operation in CREATING:
                raise violated(f"a create with {who} started the job {exchange.object.get('id')!r}", exchange)
    videos, pages = newest(client)
    for video in marked(videos, unauthorized.marker):
        raise violated(
            f"the job {video.get('id')!r} has the prompt of an unauthorized create",
            *[each for each in unauthorized.exchanges() if each.operation in CREATING][:1],
            *pages[:1],
        )
    mine = created_ids(client.history)
    if not mine & {str(video.get("id")) for video in videos}:
        raise NotReachedError(
            "the list lacks jobs that were started, so it might lack one of an unauthorized create, too", *pages
        )


def _is_still_there(client: RecordingClient, unauthorized: UnauthorizedRequests, who: str) -> None:
    if not unauthorized.doomed:
        return
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
