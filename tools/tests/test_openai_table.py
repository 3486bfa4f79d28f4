"""The tables of docs/openai.md are those of the two packages, and a reason that does not hold is refused."""

from __future__ import annotations

import re
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.resources.videos import Videos
from openai_table import (
    PAGE,
    Difference,
    Part,
    TableError,
    check,
    differences,
    find,
    has_attribute,
    parts,
    table,
    with_tables,
)

import openvideos

PART = Part("Part", ("create", "remix"), {"create", "download"}.__contains__)
REMIX = Difference("Part", ("remix",), "renamed", "Videos.remix", "")


def test_the_page_has_the_tables_of_these_versions() -> None:
    text = PAGE.read_text("utf-8")
    assert text == with_tables(text), "run: python tools/openai_table.py"


def test_what_is_only_here_is_here_and_not_there() -> None:
    section = PAGE.read_text("utf-8").partition("## Only here")[2]
    paths = re.findall(r"`client\.videos\.(\w+)`", section)
    assert {"download", "wait_many", "list_models"} == set(paths)
    for name in paths:
        find(f"Videos.{name}")
        assert not hasattr(Videos, name)
    theirs = {name for part in parts() for name in part.names}
    errors = re.findall(r"`(\w+Error)`", section)
    assert set(errors) <= set(openvideos.__all__) - theirs
    arguments = re.search(r"`create\(([\w, ]+)\)`", section)
    assert arguments
    for name in arguments[1].split(", "):
        find(f"Videos.create({name})")


def test_what_only_objects_have_is_told() -> None:
    named = {part.title: set(part.names) for part in parts()}
    client, response = openai.OpenAI(base_url="http://server.test/v1", api_key="k"), named["A raw response"]
    assert {name for name in vars(client) if not name.startswith("_")} <= named["The client"]
    assert {"retries_taken", "http_response"} <= response & named["A streamed response"]
    assert {"api_key", "base_url", "videos"} <= named["The module as a client"]


def test_a_field_that_is_said_to_be_unknown_is_unknown() -> None:
    [name] = re.findall(r'`video\["(\w+)"\]`', PAGE.read_text("utf-8"))
    assert not has_attribute(openvideos.Video)(name)


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.title)
def test_a_table_has_each_name_once(part: Part) -> None:
    rows = table(part, [each for each in differences() if each.part == part.title]).split("|---|---|---|\n")[1]
    named = " ".join(row.split("|")[1] for row in rows.splitlines())
    assert part.names
    assert sorted(part.names) == sorted(re.findall(r"`(\w+)`", named))


class TestCheck:
    def test_reasons_that_hold_are_taken(self) -> None:
        check(PART, [REMIX, Difference("Part", ("create",), "better", "", "faster")])

    @pytest.mark.parametrize(
        ("reasons", "message"),
        [
            ([], "remix is not here; say why"),
            ([REMIX, REMIX], "openai has no remix, or it stands twice"),
            ([REMIX, Difference("Part", ("edit",), "missing", "", "")], "openai has no edit"),
            ([REMIX, Difference("Part", ("create",), "missing", "", "")], "create cannot be called missing"),
            (
                [REMIX, Difference("Part", ("create",), "renamed", "Videos.create", "")],
                "create cannot be called renamed",
            ),
            ([Difference("Part", ("remix",), "better", "", "")], "remix cannot be called better"),
            ([Difference("Part", ("remix",), "worse", "", "")], "remix cannot be called worse"),
            ([Difference("Part", ("remix",), "renamed", "", "")], "needs the name in its place"),
            ([Difference("Part", ("remix",), "renamed", "Videos.mix", "")], "Videos.mix is not here: mix is missing"),
            (
                [Difference("Part", ("remix",), "renamed", "Videos.remix(mood)", "")],
                r"Videos.remix\(mood\) is not here",
            ),
        ],
    )
    def test_others_are_refused(self, reasons: list[Difference], message: str) -> None:
        with pytest.raises(TableError, match=message):
            check(PART, reasons)

    @given(st.sampled_from(parts()), st.data())
    def test_no_name_that_is_missing_here_goes_untold(self, part: Part, data: Any) -> None:
        gone = [name for name in part.names if not part.has(name)]
        told = data.draw(st.sets(st.sampled_from(gone))) if gone else set[str]()
        reasons = [Difference(part.title, (name,), "missing", "", "") for name in sorted(told)]
        if told == set(gone):
            check(part, reasons)
        else:
            with pytest.raises(TableError, match="say why"):
                check(part, reasons)
