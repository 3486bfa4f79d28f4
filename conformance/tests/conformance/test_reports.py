"""Test that all reports agree, and that hostile text from a server does no harm in them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.run_result import RunResult
from openvideos_conformance._core.verdicts import Outcome
from openvideos_conformance._reports.badge import to_badge
from openvideos_conformance._reports.comparison import ReportError, read, with_unique_names
from openvideos_conformance._reports.comparison import to_html as compared_html
from openvideos_conformance._reports.comparison import to_markdown as compared_markdown
from openvideos_conformance._reports.html import to_html
from openvideos_conformance._reports.json import report, to_json
from openvideos_conformance._reports.junit import to_junit
from openvideos_conformance._reports.terminal import summary
from openvideos_conformance._reports.write import save, write

from .runs import HOSTILE, KEY, exchange, mixed, observation, run

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
MUST = [each.level.value for each in catalogue().values()].count("MUST")
"""How many requirements of servers are a MUST."""


def hostile(text: str = HOSTILE) -> RunResult:
    """Return a run of a server that sends this everywhere."""
    broken = {
        "body": text.encode("utf-8", "surrogatepass"),
        "headers": ((text, text),),
        "failure": text,
        "path": f"/videos/{text}",
    }
    return mixed(text, **broken)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.encode("utf-8", "backslashreplace"))  # noqa: S314 - we wrote it


class Page(HTMLParser):
    """What a browser would make of a page: the tags, and the text of the whole."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("made", [run(), mixed(), hostile(), run(problem="nobody answers"), run(is_interrupted=True)])
def test_the_json_fits_its_schema(made: RunResult) -> None:
    assert [] == [*Draft202012Validator(SCHEMA).iter_errors(json.loads(to_json(made)))]


def test_the_json_has_a_result_for_each_requirement_with_every_verdict() -> None:
    results = {each["id"]: each for each in report(mixed())["results"]}
    assert len(results) == len(catalogue())
    assert "fail" == results["VID-LIST-003"]["verdict"]
    assert 500 == results["VID-LIST-003"]["checks"][0]["exchanges"][0]["answer"]["status"]
    assert "warn" == results["VID-HEADER-001"]["verdict"]
    assert "the gateway has no DELETE yet" == results["VID-DELETE-001"]["expected"]
    assert results["VID-LIFE-001"]["stale"] is True
    verdicts = {each["verdict"] for each in results.values()}
    assert {"pass", "fail", "warn", "unsupported", "not_reached", "error"} == verdicts


def test_the_exit_code_says_whether_a_must_failed_or_nothing_could_be_judged() -> None:
    broken = observation("VID-LIST-003", Outcome.VIOLATED, "no")
    warned = observation("VID-HEADER-001", Outcome.VIOLATED, "no")
    assert 0 == run().exit_code
    assert 1 == run(broken).exit_code
    assert 0 == run(broken, expected={"VID-LIST-003": "known"}).exit_code
    assert 1 == run(expected={"VID-LIST-003": "known"}).exit_code  # stale
    assert 0 == run(warned).exit_code
    assert 1 == run(warned, is_strict=True).exit_code
    assert 2 == run(broken, problem="it no longer answers").exit_code
    assert 2 == run(is_interrupted=True).exit_code
    assert 2 == run(observation("VID-LIST-003", Outcome.ERROR, "KeyError")).exit_code
    assert 1 == run(broken, observation("VID-LIST-004", Outcome.ERROR, "KeyError")).exit_code


@pytest.mark.parametrize("made", [run(), mixed(), hostile()])
def test_junit_is_xml_with_a_case_for_each_requirement(made: RunResult) -> None:
    text = to_junit(made)
    suite = parsed(text).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [each.requirement.id for each in made.results]
    for kind, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert str(len(suite.findall(f"testcase/{kind}"))) == suite.get(counted)
    assert suite.get("tests") == str(len(cases))


def test_junit_groups_by_area_and_has_reasons() -> None:
    root = parsed(to_junit(mixed()))
    case = next(each for each in root.iter("testcase") if each.get("name") == "VID-LIST-003")
    assert "openvideos.list" == case.get("classname")
    failure = case.find("failure")
    assert failure is not None
    assert "the response is 500, not 200" == failure.get("message")
    assert "curl -i" in (failure.text or "")


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(st.text(alphabet=st.characters(codec=None)))
def test_junit_can_be_read_whatever_a_server_sends(text: str) -> None:
    made = run(observation("VID-LIST-003", Outcome.VIOLATED, text))
    parsed(to_junit(made))


def test_the_page_fetches_nothing_and_runs_no_script_but_its_own() -> None:
    text = to_html(hostile())
    page = Page(text)
    assert 1 == [name for name, _ in page.tags].count("script")
    for tag, attributes in page.tags:
        assert tag not in {"img", "link", "iframe", "object", "base", "b"}
        assert not {"src", "style", "onclick", "onerror", "onload"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    policies = [each["content"] for _, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert 1 == len(policies)
    assert (policies[0] or "").startswith("default-src 'none'; style-src 'sha256-")
    assert "alert(1)" in "".join(page.texts)


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(st.text(alphabet=st.characters(codec=None)))
def test_what_a_server_sends_adds_no_element_to_the_page(text: str) -> None:
    def tags(sent: str) -> list[str]:
        return [tag for tag, _ in Page(to_html(run(observation("VID-LIST-003", Outcome.VIOLATED, f"x{sent}")))).tags]

    assert tags(text) == tags("")


def test_the_page_shows_each_failure_with_what_it_takes_to_see_it_again() -> None:
    page = Page(to_html(mixed()))
    text = "".join(page.texts)
    assert "first_id and last_id MUST be" in text
    assert "openapi.yaml#/" in text
    assert '-H "Authorization: Bearer $OPENVIDEOS_API_KEY"' in text
    rows = {each["id"]: each for _, each in page.tags if (each.get("id") or "").startswith("VID-")}
    assert "open" in rows["VID-LIST-003"]
    assert "open" not in rows["VID-CREATE-001"]
    assert "open" not in rows["VID-DELETE-001"]  # expected
    assert "warn" == rows["VID-HEADER-001"]["data-verdict"]


def test_the_badge_shows_how_many_must_are_met() -> None:
    for made, expected in (
        (run(), f"{MUST}/{MUST} MUST"),
        (run(observation("VID-LIST-003", Outcome.VIOLATED, "no")), f"{MUST - 1}/{MUST} MUST"),
        (run(problem="nobody answers"), "no verdict"),
    ):
        root = parsed(to_badge(made))
        assert f"Videos API: {expected}" == root.get("aria-label")


def test_the_terminal_shows_failures_with_a_curl_command_then_the_counts() -> None:
    text = summary(run(observation("VID-LIST-003", Outcome.VIOLATED, "the first is not the last")))
    assert re.search(r"FAIL VID-LIST-003  first_id.*\n  the first is not the last\n  curl -i", text)
    assert text.index("curl") < text.index(f"MUST    {MUST - 1} pass, 1 fail")
    assert text.endswith(f"{MUST - 1} of {MUST} MUST requirements are met\n")
    assert "\x1b" not in text
    assert "\x1b[31m" in summary(mixed(), is_coloured=True)


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(st.text(alphabet=st.characters(codec=None)))
def test_a_terminal_is_not_steered_by_what_a_server_sends(text: str) -> None:
    output = summary(hostile(text))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output.replace("\t", ""))


def test_no_report_holds_the_key_wherever_the_server_repeats_it(tmp_path: Path) -> None:
    body = b"x" * 4090 + KEY.encode()  # where a body is cut
    shown = observation("VID-LIST-003", Outcome.VIOLATED, "no", body=body, headers=(("x-key", KEY),), path=f"/v/{KEY}")
    for file in write(run(shown), tmp_path):
        text = file.read_text(encoding="utf-8")
        assert KEY not in text
        assert KEY[:8] not in text


def test_reports_can_be_written_where_there_is_no_directory_yet(tmp_path: Path) -> None:
    files = write(hostile(), tmp_path / "deep" / "down")
    assert ["report.html", "report.json", "junit.xml", "badge.svg"] == [file.name for file in files]
    for file in files:
        file.read_text(encoding="utf-8")
    json.loads(files[1].read_text(encoding="utf-8"))


def test_a_comparison_has_a_column_for_each_server(tmp_path: Path) -> None:
    one, other = save(tmp_path / "one.json", to_json(run())), save(tmp_path / "other.json", to_json(hostile()))
    reports = [read(str(one)), read(f"gate|way={other}")]
    text = compared_markdown(reports)
    assert f"| MUST met | {MUST}/{MUST} | {MUST - 6}/{MUST - 3} |" in text
    assert "gate\\|way" in text
    assert re.search(r"\| VID-LIST-003 .* \| pass \| \*\*fail\*\* \|", text)
    page = Page(compared_html(reports))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "gate|way" in page.texts


def test_a_comparison_has_rows_for_requirements_of_only_one_report(tmp_path: Path) -> None:
    document = json.loads(to_json(run()))
    document["results"] = document["results"][:1]
    path = save(tmp_path / "part.json", json.dumps(document))
    text = compared_markdown([read(str(path)), read(str(save(tmp_path / "all.json", to_json(run()))))])
    assert len(re.findall(r"(?m)^\| VID-", text)) == len(catalogue())
    assert compared_html([read(str(path))])


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', '{"format": 2, "results": []}', "[" * 9999])
def test_a_file_that_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match=r"bad\.json"):
        read(str(path))


def test_two_reports_of_one_server_have_different_names(tmp_path: Path) -> None:
    files = [save(tmp_path / name, to_json(run())) for name in ("monday.json", "tuesday.json")]
    names = [each.name for each in with_unique_names([read(str(file)) for file in files])]
    assert [True, True] == [name.endswith(f"({file})") for name, file in zip(names, files, strict=True)]


def test_a_report_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nowhere"):
        read(str(tmp_path / "nowhere.json"))


def test_the_exchange_of_a_file_shows_its_first_bytes() -> None:
    shown = observation(
        "VID-CONTENT-001", Outcome.VIOLATED, "no", body=b"\x00\x00\x00\x18ftyp", length=exchange().length
    )
    assert "bytes that are not text" in to_html(run(shown))
