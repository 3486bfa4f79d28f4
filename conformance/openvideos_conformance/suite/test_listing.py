"""Check single pages of the list, and illegal parameters. `test_walking.py` checks walks over all pages."""

from __future__ import annotations

import pytest

from .._core.contract import Contract
from .._core.operations import VIDEO_LIST
from .._inputs.invalid import invalid_values
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, expect, fits, violated
from .._judging.list_walks import ids_on
from .._probes.creates import ConcurrentCreate
from .._pytest.marker import checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient


@checks("VID-LIST-001")
@pytest.mark.parametrize("query", [{}, {"limit": 1}, {"order": "asc"}, {"order": "desc", "limit": 2}], ids=str)
def test_a_page_fits_the_schema(client: RecordingClient, query: dict[str, object]) -> None:
    fits(client.get("/videos", query=query), VIDEO_LIST, "a list")


@checks("VID-LIST-001")
def test_a_page_after_a_video_fits_the_schema(client: RecordingClient, jobs: JobPool) -> None:
    fits(client.get("/videos", query={"after": jobs["plain"].id}), VIDEO_LIST, "a page after a video")


@checks("VID-LIST-009")
def test_an_unknown_cursor_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    for after in (unknown_like(jobs["plain"].id), "openvideos-no-such-video"):
        expect(
            client.get("/videos", query={"after": after}), BAD_INPUT | {404}, f"after={after}, which no video ever had"
        )


@checks("VID-LIST-011")
def test_a_job_is_in_the_list_right_after_its_create(concurrent_creates: list[ConcurrentCreate]) -> None:
    for each in concurrent_creates:
        page = expect(each.listed, 200, "a list right after a create")
        ids = ids_on(page)
        if each.id not in ids:
            raise violated(
                f"the job {each.id} is not among the newest {len(ids)} videos as soon as its create has returned",
                each.created,
                page,
            )


@checks("VID-LIST-012")
@pytest.mark.parametrize("wrong", ["below", "above", "-1", "ten", "1.5", "1e1", "", "99999999999999999999"])
def test_a_limit_that_the_contract_does_not_allow_is_refused(
    client: RecordingClient, contract: Contract, wrong: str
) -> None:
    schema = contract.parameter("list_videos", "limit")
    limit = {"below": str(schema["minimum"] - 1), "above": str(schema["maximum"] + 1)}.get(wrong, wrong)
    expect(client.get("/videos", query={"limit": limit}), BAD_INPUT, f"limit={limit}")


@checks("VID-LIST-013")
def test_an_order_that_the_contract_does_not_have_is_refused(client: RecordingClient, contract: Contract) -> None:
    for order in invalid_values(contract, "#/components/schemas/ListOrder", ["newest", "random", "DESCENDING", ""]):
        expect(client.get("/videos", query={"order": order}), BAD_INPUT, f"order={order}")


@checks("VID-LIST-016")
def test_each_limit_that_the_contract_allows_is_accepted(client: RecordingClient, contract: Contract) -> None:
    schema = contract.parameter("list_videos", "limit")
    least, most = schema["minimum"], schema["maximum"]
    for limit in (least, least + 1, schema.get("default", least), most // 2, most - 1, most):
        expect(client.get("/videos", query={"limit": limit}), 200, f"limit={limit}")
