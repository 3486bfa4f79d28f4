"""Lists are pages in one stable order, and a walk over them meets each video exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.emulator.conftest import Server


def walk(server: Server, *, limit: int, order: str, prune: bool = False) -> list[str]:
    """Follow the cursor to the end; `prune` deletes each page's last video before its id is used as a cursor."""
    ids: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = server.ok("GET", "videos", params={"limit": limit, "order": order, **after})
        here = [video["id"] for video in page["data"]]
        assert len(here) <= limit
        assert (here[0], here[-1]) == (page["first_id"], page["last_id"]) if here else page["first_id"] is None
        ids += here
        if not page["has_more"]:
            return ids
        if prune:
            server.ok("DELETE", f"videos/{page['last_id']}")
        after = {"after": page["last_id"]}


@given(
    steps=st.lists(st.sampled_from(["create", "wait", "delete first", "delete last"]), max_size=15),
    limit=st.integers(1, 7),
    order=st.sampled_from(["asc", "desc"]),
    prune=st.booleans(),
)
def test_a_walk_meets_each_video_once_in_order(
    serve: type[Server], steps: list[str], limit: int, order: str, *, prune: bool
) -> None:
    with serve() as server:
        alive: list[str] = []
        for step in steps:
            if step == "create":
                alive.append(server.create()["id"])
            elif step == "wait":
                server.clock.advance(0.7)
            elif alive:
                server.ok("DELETE", f"videos/{alive.pop(0 if step == 'delete first' else -1)}")
        expected = alive if order == "asc" else alive[::-1]
        assert expected == walk(server, limit=limit, order=order, prune=prune)


def test_an_empty_list_has_no_ids(serve: type[Server]) -> None:
    with serve() as server:
        page = server.ok("GET", "videos")
        assert {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False} == page


def test_the_defaults_are_the_contracts(serve: type[Server]) -> None:
    with serve() as server:
        ids = [server.create()["id"] for _ in range(21)]
        page = server.ok("GET", "videos")
        assert ids[:0:-1] == [video["id"] for video in page["data"]]
        assert page["has_more"]


def test_videos_that_arrive_during_a_walk_do_not_disturb_it(serve: type[Server]) -> None:
    with serve() as server:
        ids = [server.create()["id"] for _ in range(4)]
        first = server.ok("GET", "videos", params={"limit": 2})
        server.create()
        second = server.ok("GET", "videos", params={"limit": 2, "after": first["last_id"]})
        assert ids[1::-1] == [video["id"] for video in second["data"]]
        assert not second["has_more"]


def test_an_unknown_cursor_is_not_found(serve: type[Server]) -> None:
    with serve() as server:
        server.create()
        assert "after" == server.refused(404, "GET", "videos", params={"after": "video_unknown"})["param"]


def test_a_page_counts_one_read_of_each_of_its_videos_only(serve: type[Server]) -> None:
    with serve(pace="polls:2") as server:
        old, new = server.create()["id"], server.create()["id"]
        server.ok("GET", "videos", params={"limit": 1})
        assert "completed" == server.ok("GET", f"videos/{new}")["status"]
        assert "in_progress" == server.ok("GET", f"videos/{old}")["status"]
