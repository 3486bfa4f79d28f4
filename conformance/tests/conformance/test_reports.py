"""Test that all reports agree, and that hostile text from a server does no harm in them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from openvideos_conformance.__main__ import main
from openvideos_conformance._core.catalogue import catalogue, client_catalogue
from openvideos_conformance._core.evidence import evidence, more_findings
from openvideos_conformance._core.outcomes import Finding
from openvideos_conformance._core.run_result import RunResult, headline, suite_version
from openvideos_conformance._core.sanitize import one_line, printable
from openvideos_conformance._core.verdicts import Outcome
from openvideos_conformance._reports.badge import to_badge
from openvideos_conformance._reports.comparison import ReportError, changed, read, regressions, with_unique_names
from openvideos_conformance._reports.comparison import to_html as compared_html
from openvideos_conformance._reports.comparison import to_markdown as compared_markdown
from openvideos_conformance._reports.html import to_html
from openvideos_conformance._reports.json import report, to_json
from openvideos_conformance._reports.junit import to_junit
from openvideos_conformance._reports.markdown import to_markdown
from openvideos_conformance._reports.terminal import summary
from openvideos_conformance._reports.write import save, write
from openvideos_emulator.__main__ import main as emulate

from .runs import BASE_URL, HOSTILE, KEY, exchange, mixed, observation, run

if TYPE_CHECKING:
    from collections.abc import Callable

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


def several() -> RunResult:
    """Return a run with a check that found one violation in two shapes, and more of them."""
    findings = [
        Finding(f"{what} of video_{number} is wrong", (exchange(),)) for what in ("id", "size") for number in (1, 2)
    ]
    more = more_findings(findings, BASE_URL)
    first = observation("VID-LIST-003", Outcome.VIOLATED, f"{findings[0].message} (and 3 more)", body=b"{}")
    return run(dataclasses.replace(first, more=more, seconds=1.25))


def test_every_report_says_first_what_to_mend_first() -> None:
    made = mixed()
    seen = "POST /videos → 500 {"
    texts = [summary(made), "".join(Page(to_html(made)).texts), to_markdown(made)]
    for text in texts:
        assert seen in text.replace("\\", "")
        assert text.index("What to mend first") < text.index("VID-LIST-003")
    assert [["VID-CREATE-004", "VID-LIST-003", "VID-HEADER-001"], ["VID-LIFE-001"]] == [
        each["requirements"] for each in report(made)["causes"]
    ]


def test_the_page_opens_to_every_finding() -> None:
    page = Page(to_html(several()))
    text = "".join(page.texts)
    assert "And 3 more" in text
    assert all(f"{what} is wrong" in text for what in ("id of video_2", "size of video_1", "size of video_2"))
    # The second shape has an exchange of its own, the others of each shape have none.
    assert 2 == [each.get("class") for _, each in page.tags].count("exchange")
    result = next(each for each in report(several())["results"] if "VID-LIST-003" == each["id"])
    assert [0, 1, 0] == [len(each["exchanges"]) for each in result["checks"][0]["more"]]
    assert [] == [*Draft202012Validator(SCHEMA).iter_errors(json.loads(to_json(several())))]


def test_junit_has_the_time_of_each_requirement() -> None:
    case = next(each for each in parsed(to_junit(several())).iter("testcase") if "VID-LIST-003" == each.get("name"))
    assert "1.250" == case.get("time")


def test_the_summary_of_a_job_has_the_counts_and_what_is_not_deleted() -> None:
    lost = ("1 create had no response",)
    text = to_markdown(
        run(observation("VID-LIST-003", Outcome.VIOLATED, "no"), left_over=("video_1",), unaccounted=lost)
    )
    assert f"**{MUST - 1} of {MUST} MUST requirements pass**" in text
    assert f"| MUST | {MUST - 1} | 1 |" in text
    assert "Not deleted: video\\_1\n" in text
    assert text.endswith("1 create had no response\n")
    assert "<script" not in to_markdown(hostile()).replace("\\<script", "")


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(st.text(alphabet=st.characters(codec=None)))
def test_what_a_server_sends_adds_no_markup_to_the_summary(text: str) -> None:
    made = to_markdown(run(observation("VID-LIST-003", Outcome.VIOLATED, text, status=200)))
    line = next(each for each in made.splitlines() if each.endswith("| VID-LIST-003 |"))
    assert 6 == len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>`*_@#]", line)


def test_the_terminal_shows_both_requests_of_a_failure() -> None:
    shown = [evidence(exchange(path=path), BASE_URL) for path in ("/before", "/after")]
    first = observation("VID-LIST-003", Outcome.VIOLATED, "it changed")
    text = summary(run(dataclasses.replace(first, evidence=tuple(shown))))
    assert re.search(r"it changed\n  curl .*/before.*\n  curl .*/after", text)


def test_the_terminal_and_the_summary_say_why_requirements_were_not_exercised() -> None:
    reasons = [observation(f"VID-LIST-{n:03}", Outcome.NOT_REACHED, "there is no list") for n in range(3, 13)]
    made = run(*reasons, observation("VID-CHAR-001", Outcome.NOT_REACHED, "no job has completed"))
    lines = summary(made).splitlines()
    ids = " ".join(f"VID-LIST-{n:03}" for n in range(3, 11))
    assert f"not exercised: {ids} and 2 more: there is no list" in lines
    assert "not exercised: VID-CHAR-001: no job has completed" in lines
    assert "no job has completed" in to_markdown(made)
    assert "Core 2026-12: met" in to_markdown(made)
    assert "not exercised" not in summary(run(problem="nobody answers"))


def test_a_run_that_exercised_no_must_says_so() -> None:
    nothing = run(*(observation(each, Outcome.NOT_REACHED, "there was no job") for each in catalogue()))
    assert "No MUST requirement was exercised" == headline(nothing)


def test_one_must_that_fails_is_told_in_the_singular() -> None:
    outcomes = dict.fromkeys(catalogue(), Outcome.NOT_REACHED) | {"VID-LIST-001": Outcome.VIOLATED}
    made = run(*(observation(each, outcome, "no") for each, outcome in outcomes.items()))
    assert "0 of 1 MUST requirement passes" == headline(made)


@pytest.mark.parametrize(("left_over", "is_said"), [((), True), (("video_1",), False)])
def test_the_terminal_says_that_the_jobs_of_its_commands_are_gone(left_over: tuple[str, ...], *, is_said: bool) -> None:
    failed = observation("VID-RETRIEVE-001", Outcome.VIOLATED, "wrong", operation="retrieve_video")
    said = "put the id of another in place of theirs"
    assert is_said == (said in summary(run(failed, left_over=left_over)))
    assert said not in summary(mixed())


def test_the_badge_shows_how_many_must_are_met_where_no_profile_is() -> None:
    for made, expected in (
        (run(), "Full 2026-12: met"),
        (run(observation("VID-CREATE-003", Outcome.VIOLATED, "no")), "Core 2026-12: met"),
        (run(observation("VID-CREATE-001", Outcome.VIOLATED, "no")), f"{MUST - 1}/{MUST} MUST"),
        (run(problem="nobody answers"), "no verdict"),
    ):
        root = parsed(to_badge(made))
        assert f"Videos API: {expected}" == root.get("aria-label")


def test_the_terminal_shows_failures_with_a_curl_command_then_the_counts() -> None:
    text = summary(run(observation("VID-LIST-003", Outcome.VIOLATED, "the first is not the last")))
    assert re.search(r"FAIL VID-LIST-003  first_id.*\n  the first is not the last\n  curl -i", text)
    assert text.index("curl") < text.index(f"MUST    {MUST - 1} pass, 1 fail")
    assert text.endswith(f"{MUST - 1} of {MUST} MUST requirements pass\n")
    assert "\x1b" not in text
    assert "\x1b[31m" in summary(mixed(), is_coloured=True)


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(st.text(alphabet=st.characters(codec=None)))
def test_a_terminal_is_not_steered_by_what_a_server_sends(text: str) -> None:
    output = summary(hostile(text))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output.replace("\t", ""))


@settings(max_examples=settings().max_examples // 4)  # a whole report is made each time
@given(
    st.lists(
        st.sampled_from(
            ["::", "##[", "##vso[", "error", "\n", "\r", " ", "\t", "\x0b", "\u2028", "\xa0", "#", ":", "x"]
        )
    )
)
def test_a_ci_runner_is_given_no_command_by_what_a_server_sends(parts: list[str]) -> None:
    text = "".join(parts)
    for output in (summary(hostile(text)), printable(text), one_line(text)):
        assert not re.search(r"##\w*\[", output)
        assert not any(line.strip().startswith("::") for line in output.splitlines())


def test_a_command_to_a_ci_runner_is_shown_and_not_given() -> None:
    assert r"\x3a:error::x" == one_line(" ::error::x")
    assert "a\n  \\x3a:stop-commands::x" == printable("a\n  ::stop-commands::x")
    assert r"see \x23#[error] and \x23#vso[task]" == one_line("see ##[error] and ##vso[task]")
    assert "a::b ## [c]" == one_line("a::b ## [c]")


def test_no_report_holds_the_key_wherever_the_server_repeats_it(tmp_path: Path) -> None:
    body = b"x" * 4090 + KEY.encode()  # where a body is cut
    shown = observation("VID-LIST-003", Outcome.VIOLATED, "no", body=body, headers=(("x-key", KEY),), path=f"/v/{KEY}")
    for file in write(run(shown), tmp_path):
        text = file.read_text(encoding="utf-8")
        assert KEY not in text
        assert KEY[:8] not in text


def test_reports_can_be_written_where_there_is_no_directory_yet(tmp_path: Path) -> None:
    files = write(hostile(), tmp_path / "deep" / "down")
    assert ["report.html", "report.json", "junit.xml", "badge.svg", "summary.md"] == [file.name for file in files]
    for file in files:
        file.read_text(encoding="utf-8")
    json.loads(files[1].read_text(encoding="utf-8"))


@pytest.mark.parametrize("made", [to_json, to_html, to_markdown, summary])
def test_every_report_tells_of_jobs_that_may_still_run(made: Callable[[RunResult], str]) -> None:
    assert "look for sixteen" in made(run(unaccounted=("1 create had no response: look for sixteen",)))


def test_a_comparison_has_a_column_for_each_server(tmp_path: Path) -> None:
    one, other = save(tmp_path / "one.json", to_json(run())), save(tmp_path / "other.json", to_json(hostile()))
    reports = [read(str(one)), read(f"gate|way={other}")]
    text = compared_markdown(reports)
    assert f"| MUST pass | {MUST}/{MUST} | {MUST - 6}/{MUST - 3} |" in text
    assert "gate\\|way" in text
    assert re.search(r"\| VID-LIST-003 .* \| pass \| \*\*fail\*\* \|", text)
    page = Page(compared_html(reports))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "gate|way" in page.texts


def test_a_comparison_says_by_what_each_was_judged_where_that_differs(tmp_path: Path) -> None:
    for name, target in {"a": {}, "b": {"profile": "core"}}.items():
        made = run(target={"base_url": BASE_URL, **target})
        save(tmp_path / f"{name}.json", to_json(made))
    one, other = (read(f"{name}={tmp_path / name}.json") for name in "ab")
    assert "| judged by | 2026-12-01 | 2026-12-01 core |" in compared_markdown([one, other])
    assert "2026-12-01 core" in compared_html([one, other])
    assert "judged by" not in compared_markdown([one, one])


def test_a_comparison_of_what_changed_has_no_other_rows(tmp_path: Path) -> None:
    broke = run(observation("VID-LIST-003", Outcome.VIOLATED, "no"), observation("VID-HEADER-001", Outcome.VIOLATED))
    before, after = (save(tmp_path / name, to_json(made)) for name, made in (("a.json", run()), ("b.json", broke)))
    reports = [read(str(before)), read(str(after))]
    text = compared_markdown(changed(reports))
    assert ["VID-LIST-003", "VID-HEADER-001"] == re.findall(r"(?m)^\| (VID-[A-Z]+-\d+)", text)
    assert f"| MUST pass | {MUST}/{MUST} | {MUST - 1}/{MUST} |" in text
    assert 2 == compared_html(changed(reports)).count('<span class="id">')
    assert ["VID-LIST-003"] == regressions(reports)  # a warning is none
    assert [] == regressions(reports[::-1])


@pytest.mark.parametrize(("order", "code"), [(("a", "b"), 1), (("b", "a"), 0), (("a", "a", "b"), 1)])
def test_a_regression_has_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], order: tuple[str, ...], code: int
) -> None:
    broke = run(observation("VID-LIST-003", Outcome.VIOLATED, "no"))
    files = {name: str(save(tmp_path / f"{name}.json", to_json(made))) for name, made in (("a", run()), ("b", broke))}
    arguments = ["compare", *(files[each] for each in order)]
    assert code == main([*arguments, "--changed"])
    assert ("what passed fails now: VID-LIST-003" in capsys.readouterr().err) == bool(code)
    assert 0 == main(arguments)


def test_a_requirement_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for each in [*catalogue().values(), *client_catalogue().values()]:
        assert 0 == main(["requirements", each.id])
        text = capsys.readouterr().out
        assert text.startswith(f"{each.id}  {each.level}\n{each.statement}\n")
        assert all(
            fact in text for fact in (each.why, each.source, f"harm    {each.harm}: ", "openvideos-conformance ")
        )
    assert 2 == main(["requirements", "VID-LIST-999"])
    assert "there are VID-LIST-001 to VID-LIST-" in capsys.readouterr().err


def test_an_id_may_be_written_in_small_letters(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["requirements", "vid-list-003"])
    assert capsys.readouterr().out.startswith("VID-LIST-003  MUST")


@pytest.mark.parametrize(("start", "name"), [(main, "openvideos-conformance"), (emulate, "openvideos-emulator")])
def test_a_command_says_its_version(
    start: Callable[[list[str]], int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start(["--version"])
    assert 0 == ended.value.code
    assert f"{name} {suite_version()}\n" == capsys.readouterr().out


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
