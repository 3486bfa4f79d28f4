"""docs/performance.md has the numbers of one run in the form of the command, and the arithmetic is right."""

from __future__ import annotations

import json
import math
import re
import tomllib
import xml.etree.ElementTree as ET
from itertools import pairwise
from statistics import median
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import answers, profiles, report, rows, run
from benchmarks.bars import BARS, Bar
from benchmarks.chart import LABEL_GAP, Line, line_chart, spread_out
from benchmarks.results import Measured, Quantity, Results, Spread, slope
from benchmarks.server import body_length

COSTS: Final = tomllib.loads(report.COSTS.read_text("utf-8"))
POSITIVE: Final = st.floats(0.001, 1e6)
NUMBER: Final = Quantity("row", "ours", "cpu_us")
BESIDE: Final = Quantity("row", "httpx", "cpu_us")


def kept() -> Results:
    """Return the run that the page shows."""
    return Results.from_json(json.loads(report.NUMBERS.read_text("utf-8")))


def results(ours: list[float], httpx: list[float]) -> Results:
    samples = {peer: [{"cpu_us": each} for each in values] for peer, values in (("ours", ours), ("httpx", httpx))}
    return Results({}, {}, {"row": Measured("a row", "a group", "cpu_us", samples=samples)})


class TestPage:
    def test_it_has_the_numbers_of_the_run(self) -> None:
        page = report.PAGE.read_text("utf-8")
        assert report.written(page, kept(), COSTS) == page, "run: nox -s bench -- --page"

    @pytest.mark.parametrize("name", report.plots(Results({}, {})))
    def test_so_have_the_plots(self, name: str) -> None:
        assert report.plots(kept())[name] == report.PAGE.with_name(name).read_text("utf-8"), "nox -s bench -- --page"
        assert f"]({name})" in report.PAGE.read_text("utf-8")

    def test_each_bar_is_told_with_its_verdict(self) -> None:
        page, run = report.PAGE.read_text("utf-8"), kept()
        for bar in BARS:
            measured = bar.measured(run)
            [line] = [line for line in page.splitlines() if line.startswith(f"| {bar.what} |")]
            assert ("missed" in line) == (measured is not None and bar.is_missed(measured)), line
            assert ("not in this run" in line) == (measured is None), line


class TestRows:
    ROWS: Final = rows.rows()

    def test_no_two_have_one_name(self) -> None:
        assert len(self.ROWS) == len({row.name for row in self.ROWS})

    def test_each_bar_is_of_numbers_that_are_measured(self) -> None:
        taken = {(row.name, peer) for row in self.ROWS for peer in row.peers}
        quantities = [each for bar in BARS for each in (bar.number, bar.beside) if each is not None]
        assert [] == [each for each in quantities if (each.row, each.peer) not in taken]

    def test_a_pattern_picks_rows_and_a_quick_run_leaves_some_out(self) -> None:
        picked = run.chosen(self.ROWS, ["async-create-*"], is_quick=True)
        assert {"async-create-1", "async-create-1000"} <= {row.name for row in picked}
        assert 0 < len(run.chosen(self.ROWS, [], is_quick=True)) < len(run.chosen(self.ROWS, [], is_quick=False))

    def test_what_takes_long_is_named(self) -> None:
        assert "nox" not in {row.name for row in run.chosen(self.ROWS, [], is_quick=False)}
        assert ["nox"] == [row.name for row in run.chosen(self.ROWS, ["nox"], is_quick=False)]

    def test_an_unknown_row_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run.main(["retrive"])
        assert "no row is named retrive; --list tells the names" in capsys.readouterr().err

    def test_a_page_is_of_one_whole_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run.main(["retrieve", "--write"])
        assert "--write takes a whole run" in capsys.readouterr().err


class TestResults:
    @given(st.lists(POSITIVE, min_size=1))
    def test_a_spread_is_in_order(self, values: list[float]) -> None:
        spread = Spread.of(values)
        assert min(values) <= spread.low <= spread.middle <= spread.high <= max(values)
        assert median(values) == spread.middle

    @given(st.lists(POSITIVE, min_size=1), POSITIVE)
    def test_what_slows_both_changes_no_ratio(self, values: list[float], factor: float) -> None:
        ratio = results([factor * value for value in values], values).ratio(NUMBER, BESIDE)
        assert ratio is not None
        assert [pytest.approx(factor)] * 3 == [ratio.low, ratio.middle, ratio.high]

    def test_what_was_not_measured_has_no_ratio(self) -> None:
        assert None is results([1.0], []).ratio(NUMBER, BESIDE)
        assert None is results([1.0], []).spread(Quantity("another row", "ours", "cpu_us"))

    def test_a_client_that_fails_is_told_and_the_others_are_there(self) -> None:
        found = results([1.0], [])
        found.rows["row"].failures.append("httpx")
        assert "| a row | µs of CPU | 1 | **1** | fails |" in report.table(found, found.rows)

    @given(st.floats(0.2, 3), POSITIVE)
    def test_the_slope_is_the_exponent(self, exponent: float, factor: float) -> None:
        found = slope([(size, factor * size**exponent) for size in (100, 1000, 10_000)])
        assert pytest.approx(exponent, abs=1e-6) == found
        assert None is slope([(100, 1.0)])

    @given(st.lists(POSITIVE, min_size=1, max_size=9))
    def test_a_run_is_read_as_it_was_written(self, values: list[float]) -> None:
        written = json.loads(json.dumps(results(values, values).to_json()))
        read = Results.from_json(written)
        assert written == read.to_json()
        assert [pytest.approx(value, rel=1e-3) for value in values] == read.values(NUMBER)


@pytest.mark.parametrize(("middle", "missed"), [(0.9, False), (1.0, False), (1.1, True)])
def test_a_bar_is_missed_beyond_its_limit(middle: float, *, missed: bool) -> None:
    spread = Spread(middle, middle, middle)
    assert missed is Bar("what", NUMBER, most=1.0).is_missed(spread)
    assert (middle < 1.0) is Bar("what", NUMBER, least=1.0).is_missed(spread)


class TestChart:
    @given(st.lists(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=4), max_size=8))
    def test_it_is_a_picture_whose_points_are_inside(self, lines: list[list[tuple[float, float]]]) -> None:
        picture = ET.fromstring(line_chart("a < b", "x", "y", [Line("n & m", points) for points in lines]))  # noqa: S314 - our own
        circles = [element for element in picture.iter() if element.tag.endswith("circle")]
        assert sum(map(len, lines)) == len(circles)
        _, _, width, height = map(float, picture.attrib["viewBox"].split())
        for circle in circles:
            assert 0 <= float(circle.attrib["cx"]) <= width
            assert 0 <= float(circle.attrib["cy"]) <= height

    @given(st.lists(st.floats(0, 400), max_size=8))
    def test_no_label_stands_on_another(self, places: list[float]) -> None:
        moved = sorted(spread_out(places))
        assert all(other - one >= LABEL_GAP - 1e-6 for one, other in pairwise(moved))


class TestAnswers:
    @given(st.integers(0, 350), st.integers(1, 100))
    def test_a_walk_sees_each_job_once(self, jobs: int, limit: int) -> None:
        seen: list[str] = []
        query = {"limit": str(limit)}
        for _ in range(math.ceil(jobs / limit) + 1):
            page = json.loads(answers.page_of(query, jobs))
            seen += [video["id"] for video in page["data"]]
            if not page["has_more"]:
                break
            query["after"] = page["last_id"]
        assert [f"video_{number}" for number in range(jobs)] == seen

    def test_the_form_has_the_fields(self) -> None:
        found = re.findall(rb'name="(\w+)"\r\n\r\n([^\r]*)\r\n', answers.FORM)
        assert answers.FIELDS == {name.decode(): value.decode() for name, value in found}

    def test_the_length_of_a_body_is_read(self) -> None:
        assert 12 == body_length(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n")
        assert -1 == body_length(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n")
        assert 0 == body_length(b"GET / HTTP/1.1\r\nHost: h\r\n")


def test_a_function_is_of_the_package_that_it_lies_in() -> None:
    parts = {
        "/src/openvideos/overlay/openvideos/_calls.py __init__": "openvideos",
        "/src/openvideos/generated/openvideos_raw/models/video.py from_dict": "the raw client",
        "/src/openvideos/env/site-packages/httpx/_client.py send": "httpx",
        "/src/openvideos/env/site-packages/h11/_state.py get": "httpcore and h11",
        "~ <method 'poll' of 'select.epoll' objects>": "the system",
        "~ <built-in method builtins.len>": profiles.OTHERS,
    }
    assert parts == {function: profiles.part_of(function) for function in parts}
