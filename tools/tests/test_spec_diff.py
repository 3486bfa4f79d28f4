"""`nox -s spec_diff`: what it prints, what it ignores, when it fails, and how vendors' contracts differ."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from contract_diff import __main__ as command_line
from contract_diff import document, output
from contract_diff.changes import compare
from contract_diff.ignoring import InvalidListError, ignored_of
from contract_diff.model import Change, Class
from contract_diff.scope import Scope

from .edits import PROJECT, SPEC, TEXT
from .project import LONGEST_PROMPT, SHORTER_PROMPT

PARSED = functools.cache(document.parse)
OURS = str(PROJECT / "openapi.yaml")
SPECS = Path(__file__).with_name("specs")
SHORTER = "`maxLength` was 32000 and is 1000"
WHERE = "/components/schemas/Prompt"
ENTRY = f"""
[[ignored]]
where = "{WHERE}"
what = "{SHORTER}"
date = 2026-12-01
reason = "No server takes a longer one."
"""


@pytest.fixture(autouse=True)
def _each_text_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "parse", PARSED)


@pytest.fixture
def shorter(tmp_path: Path) -> str:
    """Return the name of a contract with shorter prompts."""
    path = tmp_path / "new.yaml"
    path.write_text(TEXT.replace(LONGEST_PROMPT, SHORTER_PROMPT), "utf-8")
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return the code of the command, what it prints, and what it says of problems."""
    code = command_line.main([*arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


class TestFormats:
    def test_a_table(self, shorter: str, capsys: pytest.CaptureFixture[str]) -> None:
        code, printed, _ = run(capsys, OURS, shorter)
        head, row, summary = printed.splitlines()
        assert 0 == code
        assert ["callers", "readers", "change", "where"] == head.split()
        assert re.fullmatch(rf"breaking +- +{re.escape(SHORTER)} +{WHERE}", row)
        assert "1 breaking" == summary

    def test_json(self, shorter: str, capsys: pytest.CaptureFixture[str]) -> None:
        [change] = json.loads(run(capsys, OURS, shorter, "--format", "json")[1])
        assert ("breaking", None, None) == (change["callers"], change["readers"], change["ignored"])
        assert (WHERE, SHORTER) == (change["where"], change["what"])
        assert ["create_video", "remix_video", "edit_video", "extend_video"] == change["operations"]

    def test_markdown(self, shorter: str, capsys: pytest.CaptureFixture[str]) -> None:
        lines = run(capsys, OURS, shorter, "--format", "markdown")[1].splitlines()
        assert ["**1 breaking**", "", "| callers | readers | change | where |", "|---|---|---|---|"] == lines[:4]
        row = f"| breaking | - | <code>&#96;maxLength&#96; was 32000 and is 1000</code> | <code>{WHERE}</code> |"
        assert [row] == lines[4:]

    def test_annotations_of_github_have_the_file_and_the_line(
        self, shorter: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        annotation, summary = run(capsys, OURS, shorter, "--format", "github")[1].splitlines()
        line = 1 + TEXT[: TEXT.index("\n    Prompt:\n") + 1].count("\n")
        place = f"file={shorter},line={line},title=breaking for callers"
        assert f"::error {place}::{SHORTER} ({WHERE})" == annotation
        assert "1 breaking" == summary

    def test_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        for format_, said in (
            ("text", "nothing changes"),
            ("markdown", "The contract does not change."),
            ("json", "[]"),
        ):
            assert (0, f"{said}\n", "") == run(capsys, OURS, OURS, "--format", format_, "--fail-on", "editorial")


HOSTILE = "a|b`c <script> @everyone [x](y) \x1b[31m\n::error ::%0A"


class TestHostileNames:
    def changes(self) -> list[Change]:
        changed = json.loads(json.dumps(SPEC))
        changed["components"]["schemas"]["Video"]["properties"][HOSTILE] = {"type": "string"}
        return compare(SPEC, changed)

    def test_reach_no_terminal(self) -> None:
        lines = output.text(self.changes(), {}).splitlines()
        assert all(line.isprintable() for line in lines)
        assert 3 == len(lines)

    def test_are_no_markup(self) -> None:
        [row] = [line for line in output.markdown(self.changes(), {}).splitlines() if "optional" in line]
        assert 5 == row.count("|")
        assert ["code", "/code"] * 2 == re.findall(r"<(.*?)>", row)
        assert not set("@[]`*_") & set(re.sub(r"&#\d+;", "", row))

    def test_are_no_command_of_a_workflow(self) -> None:
        annotation, _ = output.github(self.changes(), {}, "a:b,c.yaml", lambda _: 1).splitlines()
        assert annotation.startswith("::notice file=a%3Ab%2Cc.yaml,line=1,title=additive for readers::the optional")
        assert "%0A" not in annotation.replace("%250A", "")


class TestFailing:
    @pytest.mark.parametrize(
        ("old", "new", "grave"),
        [
            (LONGEST_PROMPT, SHORTER_PROMPT, "breaking"),
            ("maxLength: 32000\n", "maxLength: 32000\n          maxWords: 7\n", "other"),
            ("maxLength: 32000\n", "maxLength: 99999\n", "additive"),
            ("summary: List videos, newest first", "summary: List videos", "editorial"),
        ],
    )
    def test_on_what_is_as_grave(
        self, old: str, new: str, grave: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "new.yaml"
        path.write_text(TEXT.replace(old, new, 1), "utf-8")
        codes = [run(capsys, OURS, str(path), "--fail-on", kind)[0] for kind in Class]
        assert [int(kind >= [*map(str, Class)].index(grave)) for kind in range(len(Class))] == codes

    def test_what_cannot_be_read_is_another_code(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "new.yaml"
        path.write_text("openapi: [", "utf-8")
        code, printed, said = run(capsys, str(path), OURS)
        assert (2, "") == (code, printed)
        assert f"contract_diff: {path}:1: is no YAML" in said

    def test_not_on_a_reader_that_has_read_enough(self) -> None:
        command = f"{sys.executable} -m tools.contract_diff {SPECS / 'vendor-3.0.json'} openapi.yaml | true"
        ran = subprocess.run(command, shell=True, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S602
        assert "" == ran.stderr

    def test_as_a_process(self) -> None:
        command = [sys.executable, "-m", "tools.contract_diff", "nothing.yaml", "openapi.yaml"]
        ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert (2, "") == (ran.returncode, ran.stdout)
        assert "nothing.yaml:1: is neither a file nor known to git" in ran.stderr


class TestIgnoring:
    def test_a_change_with_its_reason(self, shorter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "contract-changes.toml"
        path.write_text(ENTRY, "utf-8")
        arguments = [OURS, shorter, "--fail-on", "breaking", "--ignore", str(path)]
        said = f"ignored since 2026-12-01: {SHORTER} ({WHERE}): No server takes a longer one."
        assert (0, f"{said}\n1 ignored\n", "") == run(capsys, *arguments)
        [change] = json.loads(run(capsys, *arguments, "--format", "json")[1])
        assert "No server takes a longer one." == change["ignored"]
        assert "Ignored since 2026-12-01" in run(capsys, *arguments, "--format", "markdown")[1]
        assert "1 ignored\n" == run(capsys, *arguments, "--format", "github")[1]

    def test_an_entry_that_no_change_is_ignored_by_is_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "contract-changes.toml"
        path.write_text(ENTRY, "utf-8")
        code, printed, said = run(capsys, OURS, OURS, "--ignore", str(path))
        assert (0, "nothing changes\n") == (code, printed)
        assert f"contract_diff: {path}: no change is {SHORTER} ({WHERE}); remove the entry\n" == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[[ignored", "is no TOML"),
            ("[ignored]", "holds entries [[ignored]] and nothing else"),
            ("x = 1", "holds entries [[ignored]] and nothing else"),
            ("ignored = [1]", "entry 1 has to have"),
            (ENTRY.replace("reason", "because"), "entry 1 has to have"),
            (ENTRY + ENTRY.replace("No server takes a longer one.", " "), "entry 2 has a `reason` that is no text"),
            (ENTRY.replace("2026-12-01", '"2026-12-01"'), "entry 1 has a `date` that is none"),
            (ENTRY.replace("2026-12-01", "2026-12-01T00:00:00"), "entry 1 has a `date` that is none"),
        ],
    )
    def test_a_list_that_is_none(self, text: str, said: str) -> None:
        with pytest.raises(InvalidListError, match=re.escape(said)):
            ignored_of("contract-changes.toml", text)

    def test_a_list_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, said = run(capsys, OURS, OURS, "--ignore", "nothing.toml")
        assert 2 == code
        assert said.startswith("contract_diff: nothing.toml: cannot be read")


class TestScope:
    @pytest.mark.parametrize(
        ("prefix", "only", "path", "name"),
        [
            ("", (), "/videos", "/videos"),
            ("/v1", (), "/v1/videos", "/videos"),
            ("v1/", (), "/v1/videos", "/videos"),
            ("/v1", (), "/v1", "/"),
            ("/v1", (), "/v10/videos", "/v10/videos"),
            ("/v1", (), "/videos", "/videos"),
            ("", ("/videos",), "/videos/{}", "/videos/{}"),
            ("", ("/videos/",), "/videos", "/videos"),
            ("", ("/videos",), "/videosx", None),
            ("/v1", ("/videos",), "/v1/videos", "/videos"),
            ("", ("/videos", "/files"), "/files/{}", "/files/{}"),
            ("", ("/videos",), "video.completed", None),
            ("", ("/videos", "video."), "video.completed", "video.completed"),
        ],
    )
    def test_the_name_of_a_path(self, prefix: str, only: tuple[str, ...], path: str, name: str | None) -> None:
        assert name == Scope(prefix, only).name(path)

    def test_the_prefix_may_stand_in_the_paths_or_in_the_servers(self) -> None:
        moved = json.loads(json.dumps(SPEC))
        moved["paths"] = {f"/v1{path}": item for path, item in SPEC["paths"].items()}
        moved["servers"] = [{**SPEC["servers"][0], "url": "/"}]
        assert [] == compare(SPEC, moved, Scope("/v1"))
        assert [] == compare(moved, SPEC, Scope("/v1"))
        assert compare(SPEC, moved)

    def test_a_path_with_the_prefix_hides_none_without(self) -> None:
        both = json.loads(json.dumps(SPEC))
        both["paths"] = {**{f"/v1{path}": item for path, item in SPEC["paths"].items()}, **SPEC["paths"]}
        other = json.loads(json.dumps(both))
        other["paths"]["/v1/videos"]["get"]["deprecated"] = True
        [change] = compare(both, other, Scope("/v1"))
        assert "/paths/~1v1~1videos/get" == change.where

    def test_a_prefix_is_no_host(self) -> None:
        assert "https://v1" == Scope("/v1").url("https://v1")
        assert "https://a.test" == Scope("/v1").url("https://a.test/v1/")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--only", "/vides"], "no path of .* is below /vides; it has /videos, "),
            (["--prefix", "/v2"], "no path and no server of .* has the prefix /v2"),
        ],
    )
    def test_what_chooses_nothing_is_told(
        self, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, printed, problem = run(capsys, OURS, OURS, *options)
        assert (2, "") == (code, printed)
        assert re.match(f"contract_diff: {said}", problem)

    def test_what_else_a_contract_has_is_none_of_its_business(self) -> None:
        more = json.loads(json.dumps(SPEC))
        more["paths"]["/files"] = {"get": {"operationId": "files", "responses": {"200": {"description": "A."}}}}
        more["webhooks"]["batch.done"] = {"post": {"operationId": "done", "responses": {"200": {"description": "A."}}}}
        assert [] == compare(SPEC, more, Scope(only=("/videos", "video.")))
        assert ["list"] == [*{"list" for change in compare(SPEC, more) if "added" in change.what}]


def told(name: str, *arguments: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[Any, ...]]:
    """Return what breaks callers and readers of a vendor's contract who come to ours, and what is to be looked at."""
    changes = json.loads(run(capsys, str(SPECS / name), OURS, *arguments, "--format", "json")[1])
    grave = {"breaking", "other"}
    found = [(each["callers"], each["readers"], each["what"]) for each in changes]
    return [each for each in found if grave & {*each[:2]}]


EXTENDED = 'the field belongs to the extension "sampling" now, which a server need not offer'


class TestVendors:
    """Fixtures of our own writing, in the shapes of real ones."""

    def test_one_of_30(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert [
            ("breaking", None, "the server https://api.acme.example is removed"),
            ("breaking", None, "the property `quality` is removed"),
            ("breaking", None, "null is no longer allowed"),
            ("breaking", None, EXTENDED),
            (None, "breaking", "the values are no longer limited"),
            (None, "breaking", "the media type application/json is added"),
            ("breaking", None, "the path parameter `id` is renamed to `video_id`"),
            ("breaking", None, "`minLength` is added: 1"),
        ] == told("vendor-3.0.json", "--prefix", "/v1", "--only", "/videos", capsys=capsys)

    def test_one_of_31_as_fastapi_writes_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = told("gateway-3.1.json", "--prefix", "/v1", "--only", "/videos", capsys=capsys)
        assert {
            ("breaking", None, "the operation `create_video_v1_videos_post` is renamed to `create_video`"),
            ("breaking", None, "the operation `create_video` moves from no tag to the tag `videos`"),
            ("breaking", None, "the operation `retrieve_video` moves from no tag to the tag `videos`"),
            ("breaking", None, "null is no longer allowed"),
            ("breaking", None, "`minLength` is added: 1"),
            ("breaking", None, "`maxLength` is added: 32000"),
            ("breaking", None, "`maximum` is added: 4294967295"),
            ("breaking", None, '`pattern` is added: "^[1-9][0-9]{0,4}$"'),
            (None, "breaking", "the values are no longer limited"),
            (None, "breaking", "the property `detail` is removed"),
            ("breaking", None, EXTENDED),
            (
                "breaking",
                None,
                "the operation `retrieve_video_v1_videos__video_id__get` is renamed to `retrieve_video`",
            ),
        } == set(found)

    def test_one_of_32(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = told("vendor-3.2.yaml", "--prefix", "/v1", "--only", "/videos", capsys=capsys)
        assert [
            ("breaking", None, "the server https://lumen.example is removed"),
            ("breaking", None, "`maximum` is added: 4294967295"),
            ("breaking", None, EXTENDED),
            (None, "breaking", "the discriminator is removed"),
            ("breaking", None, "the operation `search_videos` is removed"),
            ("breaking", None, "the operation `purge_video` is removed"),
        ] == found

    @pytest.mark.parametrize("name", ["vendor-3.0.json", "gateway-3.1.json", "vendor-3.2.yaml"])
    def test_how_a_contract_differs_fits_on_a_page(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        printed = run(capsys, str(SPECS / name), OURS, "--prefix", "/v1", "--only", "/videos")[1]
        assert len(printed.splitlines()) <= 66  # as a sheet of paper has
        assert re.search(r"^\d+ breaking, .*\d+ additive, \d+ editorial$", printed, re.MULTILINE)
        assert re.search(r"^and \d+ editorial changes, which --format json lists$", printed, re.MULTILINE)
        assert all(name in printed for name in ("`negative_prompt`", "`num_frames`", "`fps`"))
