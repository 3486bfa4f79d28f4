"""Who has no right key is refused, everywhere, before anything is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .._core.exchange import CREATING, json_object
from .._core.outcomes import NotReachedError
from .._judging.assertions import expect, shown, violated
from .._probes.invalid_requests import ids_given, marked, newest
from .._probes.unauthorized_requests import other_schemes, wrong_keys
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._probes.unauthorized_requests import Strangers
    from .._server.recording_client import Wire

_UNAUTHORIZED = 401
_DOOMED = ("longest",)
"""A job that may be lost, should a stranger be able to delete it."""


@checks("VID-AUTH-001", jobs=_DOOMED)
def test_no_operation_answers_without_a_key(wire: Wire, strangers: Strangers) -> None:
    for knock in strangers.knocks():
        expect(strangers.ask(knock, None), _UNAUTHORIZED, f"{knock.what} without a key")
    _is_still_there(wire, strangers, "without a key")


@checks("VID-AUTH-002", jobs=_DOOMED)
def test_no_operation_answers_to_a_wrong_key(wire: Wire, strangers: Strangers) -> None:
    wrong = wrong_keys(strangers.key)
    for knock in strangers.knocks("list_videos", "retrieve_video"):
        for key in wrong:
            expect(strangers.ask(knock, f"Bearer {key}"), _UNAUTHORIZED, f"{knock.what} with a wrong key")
    for knock in strangers.knocks():
        expect(strangers.ask(knock, f"Bearer {wrong[0]}"), _UNAUTHORIZED, f"{knock.what} with a wrong key")
    _is_still_there(wire, strangers, "with a wrong key")
    for knock in strangers.knocks("list_videos"):  # a header may hold such bytes; a server may refuse them as a header
        expect(
            strangers.ask(knock, "Bearer cl\xe9"), {400, _UNAUTHORIZED}, f"{knock.what} with a key that is not ASCII"
        )


@checks("VID-AUTH-003", jobs=_DOOMED)
def test_a_key_under_another_scheme_is_refused(strangers: Strangers) -> None:
    for knock in strangers.knocks("list_videos", "retrieve_video"):
        for what, value in other_schemes(strangers.key).items():
            expect(strangers.ask(knock, value), _UNAUTHORIZED, f"{knock.what} with {what}")


@checks("VID-AUTH-004", jobs=_DOOMED)
def test_strangers_do_not_learn_which_ids_exist(strangers: Strangers) -> None:
    for credential in (None, f"Bearer {wrong_keys(strangers.key)[0]}"):
        for operation in ("retrieve_video", "download_video_content", "remix_video"):
            asked = [(knock, strangers.ask(knock, credential)) for knock in strangers.knocks(operation)]
            known = [exchange for knock, exchange in asked if knock.is_known]
            unknown = [exchange for knock, exchange in asked if not knock.is_known]
            for one, other in zip(known, unknown, strict=True):
                if _told(one) != _told(other):
                    message = (
                        f"without a right key, {operation} answers {shown(_told(one))} for an id that exists and "
                        f"{shown(_told(other))} for one that does not"
                    )
                    raise violated(message, one, other)


@checks("VID-AUTH-005", jobs=_DOOMED)
def test_a_401_names_the_scheme(strangers: Strangers) -> None:
    for knock in strangers.knocks("list_videos", "retrieve_video"):
        strangers.ask(knock, None)
    refused = [exchange for exchange in strangers.asked() if exchange.status == _UNAUTHORIZED]
    for exchange in refused:
        told = exchange.header("www-authenticate")
        if told is None or "bearer" not in told.lower():
            message = (
                f"the 401 of {exchange.method} {exchange.target} has the WWW-Authenticate {shown(told)}, not Bearer"
            )
            raise violated(message, exchange)
    if not refused:
        message = "no request was answered 401"
        raise NotReachedError(message)


@checks("VID-AUTH-006", jobs=_DOOMED)
def test_the_scheme_is_taken_in_any_case(strangers: Strangers) -> None:
    for scheme in ("bearer", "BEARER"):
        for knock in strangers.knocks("list_videos"):
            exchange = strangers.ask(knock, f"{scheme} {strangers.key}")
            expect(exchange, 200, f"{knock.what} with the key under {scheme!r}")


@checks("VID-AUTH-007", phase=Phase.LATE, jobs=_DOOMED)
def test_a_create_of_a_stranger_starts_nothing(wire: Wire, strangers: Strangers) -> None:
    for knock in strangers.knocks("create_video"):
        for credential, who in ((None, "no key"), (f"Bearer {wrong_keys(strangers.key)[0]}", "a wrong key")):
            exchange = strangers.ask(knock, credential)
            if exchange.is_ok and exchange.operation in CREATING:
                message = f"a create with {who} started the job {exchange.object.get('id')!r}"
                raise violated(message, exchange)
    videos, pages = newest(wire)
    for video in marked(videos, strangers.marker):
        message = f"the job {video.get('id')!r} has the prompt of a create without a right key"
        raise violated(message, *[each for each in strangers.asked() if each.operation in CREATING][:1], *pages[:1])
    mine = ids_given(wire)
    if not mine & {str(video.get("id")) for video in videos}:
        message = "the list does not show the jobs that were started, so it cannot show one that should not have been"
        raise NotReachedError(message, *pages)


def _is_still_there(wire: Wire, strangers: Strangers, who: str) -> None:
    if not strangers.doomed:
        return
    path = f"/videos/{quote(strangers.doomed, safe='')}"
    after = wire.get(path)
    if not after.is_ok:
        message = f"the job {strangers.doomed}, which somebody {who} tried to delete, is answered {after.status} now"
        deletions = [each for each in strangers.asked() if each.method == "DELETE" and each.path == path]
        raise violated(message, *deletions, after)


def _told(exchange: Exchange) -> tuple[object, ...]:
    """Return what a refusal tells, but for what each answer has of its own: the sentence, the id of the request."""
    error = json_object(exchange.object.get("error"))
    return (exchange.status, exchange.media_type, *(error.get(name) for name in ("type", "param", "code")))
