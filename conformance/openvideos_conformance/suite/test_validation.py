"""Check that creates which the contract forbids are refused and start no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.outcomes import NotReachedError
from .._core.own_jobs import created_ids
from .._judging.assertions import expect, shown, violated
from .._probes.invalid_requests import marked, newest
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from typing import Any

    from .._core.exchange import Exchange
    from .._inputs.invalid import Case
    from .._probes.invalid_requests import InvalidRequests
    from .._server.capabilities import Capabilities
    from .._server.recording_client import RecordingClient

_JSON = ("json",)
"""The job that shows whether the server accepts JSON, so that JSON bodies can be judged."""


@checks("VID-VALID-001", jobs=_JSON)
def test_a_create_without_a_prompt_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-001")


@checks("VID-VALID-002", jobs=_JSON)
def test_an_empty_prompt_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-002")


@checks("VID-VALID-003", jobs=_JSON)
def test_a_prompt_that_is_too_long_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-003")


@checks("VID-VALID-004", jobs=_JSON)
def test_a_size_of_another_form_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-004")


@checks("VID-VALID-005", jobs=_JSON)
def test_seconds_of_another_form_are_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-005")


@checks("VID-VALID-006", jobs=_JSON)
def test_fields_of_wrong_types_are_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-006")


@checks("VID-VALID-007", jobs=_JSON)
def test_a_reference_that_is_not_exactly_one_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-007")


@checks("VID-VALID-008", jobs=_JSON)
def test_malformed_json_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-008")


@checks("VID-VALID-009", jobs=_JSON)
def test_a_form_that_is_cut_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-009")


@checks("VID-VALID-010", jobs=_JSON)
def test_a_body_of_another_media_type_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-010")


@checks("VID-VALID-011", jobs=_JSON)
def test_a_body_of_another_media_type_is_a_415(invalid_requests: InvalidRequests) -> None:
    sent = [(case, invalid_requests.send_once(case)) for case in invalid_requests.of("VID-VALID-010")]
    refused = [(case, exchange) for case, exchange in sent if not exchange.is_ok]
    for case, exchange in refused:
        expect(exchange, 415, case.what)
    if not refused:
        raise NotReachedError("no such body was refused", *(exchange for _, exchange in sent))


@checks("VID-VALID-012", jobs=_JSON)
def test_a_create_without_a_body_is_refused(invalid_requests: InvalidRequests) -> None:
    invalid_requests.judge("VID-VALID-012")


@checks("VID-VALID-013", phase=Phase.LATE, jobs=_JSON)
def test_refused_creates_start_no_job(
    client: RecordingClient, offered: Capabilities, invalid_requests: InvalidRequests
) -> None:
    refused = list(invalid_requests.all())
    if not refused:
        raise NotReachedError("no create was refused")
    videos, pages = newest(client, offered)
    given = created_ids(client.history)
    if not given & {str(video.get("id")) for video in videos}:
        raise NotReachedError("the list has no job of this run, so it might lack one of a refused create, too", *pages)
    for video in marked(videos, invalid_requests.marker):
        if video.get("id") not in given:
            raise violated(
                f"a create that was refused started the job {shown(video.get('id'))}, which has its prompt",
                *_refusal_of(video, refused),
                *pages,
            )
    promptless = [case for case, _ in refused if case.requirement in {"VID-VALID-001", "VID-VALID-002"}]
    _starts_nothing(client, offered, invalid_requests, promptless)


def _refusal_of(video: dict[str, Any], refused: list[tuple[Case, Exchange]]) -> list[Exchange]:
    """Return the refused create with the prompt of a job, or else one with any prompt."""
    prompt = str(video.get("prompt"))
    matching = [exchange for _, exchange in refused if exchange.request_fields.get("prompt") == prompt]
    return (matching or [exchange for _, exchange in refused if exchange.request_fields.get("prompt")])[:1]


def _starts_nothing(
    client: RecordingClient, offered: Capabilities, invalid_requests: InvalidRequests, promptless: list[Case]
) -> None:
    """Send creates without a prompt, and expect no new job.

    Other clients may create jobs at the same time. So new jobs count only if there are some each time that the creates
    are sent, twice, and none when they are not sent.
    """
    if not promptless:
        return
    new: set[str] = set()
    sent: list[Exchange] = []
    for _ in range(2):
        before = _prompts(client, offered)
        sent = [invalid_requests.send(case) for case in promptless]
        after = _prompts(client, offered)
        new = _without_prompt(client, before, after)
        if not new or _without_prompt(client, after, _prompts(client, offered)):
            return  # no job is new, or other clients start such jobs
    raise violated(
        f"each time creates without a prompt were refused, jobs were started: {', '.join(sorted(new))}", *sent
    )


def _prompts(client: RecordingClient, offered: Capabilities) -> dict[str, object]:
    videos, _ = newest(client, offered)
    return {str(video.get("id")): video.get("prompt") for video in videos}


def _without_prompt(client: RecordingClient, before: dict[str, object], after: dict[str, object]) -> set[str]:
    """Return the ids of new jobs without a prompt that this run did not start."""
    return {each for each in after.keys() - before.keys() if not after[each]} - created_ids(client.history)
