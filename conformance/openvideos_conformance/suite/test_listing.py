"""Check single pages of the list, and illegal parameters. `test_walking.py` checks walks over all pages."""

from __future__ import annotations

import pytest

from .._core.contract import Contract
from .._core.outcomes import NotReachedError
from .._inputs.invalid import invalid_values
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, accepted, expect
from .._probes.baselines import plain_list
from .._pytest.marker import checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient


@checks("VID-LIST-001")
@pytest.mark.parametrize("query", [{}, {"order": "asc"}], ids=str)
def test_a_list_is_returned(client: RecordingClient, query: dict[str, object]) -> None:
    # The rule of this requirement judges the pages that are returned.
    if query:
        plain_list(client)
    accepted(client.get("/videos", query=query), "a list")


@checks("VID-LIST-009")
def test_an_unknown_cursor_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    plain_list(client)
    known = client.get("/videos", query={"after": jobs["plain"].id})
    if not known.is_ok:
        raise NotReachedError("the id of a video is refused as `after`, too", known)
    for after in (unknown_like(jobs["plain"].id), "openvideos-no-such-video"):
        expect(
            client.get("/videos", query={"after": after}), BAD_INPUT | {404}, f"after={after}, which no video ever had"
        )


@checks("VID-LIST-012")
@pytest.mark.parametrize("wrong", ["below", "above", "-1", "ten", "1.5", "1e1", "", "99999999999999999999"])
def test_a_limit_that_the_contract_does_not_allow_is_refused(
    client: RecordingClient, contract: Contract, wrong: str
) -> None:
    plain_list(client)
    schema = contract.parameter("list_videos", "limit")
    limit = {"below": str(schema["minimum"] - 1), "above": str(schema["maximum"] + 1)}.get(wrong, wrong)
    expect(client.get("/videos", query={"limit": limit}), BAD_INPUT, f"limit={limit}")


@checks("VID-LIST-013")
def test_an_order_that_the_contract_does_not_have_is_refused(client: RecordingClient, contract: Contract) -> None:
    plain_list(client)
    for order in invalid_values(contract, "#/components/schemas/ListOrder", ["newest", "random", "DESCENDING", ""]):
        expect(client.get("/videos", query={"order": order}), BAD_INPUT, f"order={order}")


@checks("VID-LIST-016")
def test_each_limit_that_the_contract_allows_is_accepted(client: RecordingClient, contract: Contract) -> None:
    plain_list(client)
    schema = contract.parameter("list_videos", "limit")
    least, most = schema["minimum"], schema["maximum"]
    for limit in (least, least + 1, schema.get("default", least), most // 2, most - 1, most):
        accepted(client.get("/videos", query={"limit": limit}), f"limit={limit}")
