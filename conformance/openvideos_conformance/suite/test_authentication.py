"""Who has no right key is refused, everywhere, before anything is looked at."""

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
"""A job that may be lost, should an unauthorized client be able to delete it."""


@checks("VID-AUTH-001", jobs=_DOOMED)
def test_no_operation_answers_without_a_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests():
        expect(unauthorized.send_once(request, None), _UNAUTHORIZED, f"{request.what} without a key")
    _is_still_there(client, unauthorized, "without a key")


@checks("VID-AUTH-002", jobs=_DOOMED)
def test_no_operation_answers_to_a_wrong_key(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
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
def test_strangers_do_not_learn_which_ids_exist(unauthorized: UnauthorizedRequests) -> None:
    for credential in (None, f"Bearer {wrong_keys(unauthorized.key)[0]}"):
        for operation in ("retrieve_video", "download_video_content", "remix_video"):
            asked = [
                (request, unauthorized.send_once(request, credential)) for request in unauthorized.requests(operation)
            ]
            known = [exchange for request, exchange in asked if request.is_known]
            unknown = [exchange for request, exchange in asked if not request.is_known]
            for one, other in zip(known, unknown, strict=True):
                if _told(one) != _told(other):
                    raise violated(
                        f"without a right key, {operation} answers {shown(_told(one))} for an id that exists and "
                        f"{shown(_told(other))} for one that does not",
                        one,
                        other,
                    )


@checks("VID-AUTH-005", jobs=_DOOMED)
def test_a_401_names_the_scheme(unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests("list_videos", "retrieve_video"):
        unauthorized.send_once(request, None)
    refused = [exchange for exchange in unauthorized.responses() if exchange.status == _UNAUTHORIZED]
    for exchange in refused:
        told = exchange.header("www-authenticate")
        if told is None or "bearer" not in told.lower():
            raise violated(
                f"the 401 of {exchange.method} {exchange.target} has the WWW-Authenticate {shown(told)}, not Bearer",
                exchange,
            )
    if not refused:
        raise NotReachedError("no request returned 401")


@checks("VID-AUTH-006", jobs=_DOOMED)
def test_the_scheme_is_taken_in_any_case(unauthorized: UnauthorizedRequests) -> None:
    for scheme in ("bearer", "BEARER"):
        for request in unauthorized.requests("list_videos"):
            exchange = unauthorized.send_once(request, f"{scheme} {unauthorized.key}")
            expect(exchange, 200, f"{request.what} with the key under {scheme!r}")


@checks("VID-AUTH-007", phase=Phase.LATE, jobs=_DOOMED)
def test_a_create_of_a_stranger_starts_nothing(client: RecordingClient, unauthorized: UnauthorizedRequests) -> None:
    for request in unauthorized.requests("create_video"):
        for credential, who in ((None, "no key"), (f"Bearer {wrong_keys(unauthorized.key)[0]}", "a wrong key")):
            exchange = unauthorized.send_once(request, credential)
            if exchange.is_ok and exchange.operation in CREATING:
                raise violated(f"a create with {who} started the job {exchange.object.get('id')!r}", exchange)
    videos, pages = newest(client)
    for video in marked(videos, unauthorized.marker):
        raise violated(
            f"the job {video.get('id')!r} has the prompt of a create without a right key",
            *[each for each in unauthorized.responses() if each.operation in CREATING][:1],
            *pages[:1],
        )
    mine = created_ids(client.history)
    if not mine & {str(video.get("id")) for video in videos}:
        raise NotReachedError(
            "the list does not show the jobs that were started, so it cannot show one that should not have been", *pages
        )


def _is_still_there(client: RecordingClient, unauthorized: UnauthorizedRequests, who: str) -> None:
    if not unauthorized.doomed:
        return
    path = video_path(unauthorized.doomed)
    after = client.get(path)
    if not after.is_ok:
        message = f"the job {unauthorized.doomed}, which somebody {who} tried to delete, returns {after.status} now"
        deletions = [each for each in unauthorized.responses() if each.method == "DELETE" and each.path == path]
        raise violated(message, *deletions, after)


def _told(exchange: Exchange) -> tuple[object, ...]:
    """Return what a refusal tells, but for what each response has of its own: the sentence, the id of the request."""
    error = json_object(exchange.object.get("error"))
    return (exchange.status, exchange.media_type, *(error.get(name) for name in ("type", "param", "code")))
