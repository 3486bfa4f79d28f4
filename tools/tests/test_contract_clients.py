"""`tools/contract_clients.py`: what it decides without generators, Node or a network, and what its programs promise."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import contract_clients
import pytest
import yaml
from contract_clients import ENDS, PROGRAMS, STEPS, UNKNOWN, ContractClientError, problem_of, readable, run

CONTRACT = yaml.load((Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader)
SCHEMAS = CONTRACT["components"]["schemas"]
PRINTED = f"created a queued\n{ENDS[0]}\nlisted a\ndownloaded 9\ndeleted a\n{ENDS[1]}\n"
MP4 = b"\0\0\0\x20ftypisom"


@pytest.mark.parametrize(
    ("printed", "saved", "problem"),
    [
        (PRINTED, MP4, None),
        (PRINTED.replace("listed a\n", ""), MP4, "went through the steps created, ended, downloaded"),
        (PRINTED.replace("completed", "failed"), MP4, "has seen ended failed, refused 404 not_found; it should be"),
        (PRINTED.replace("404", "500"), MP4, "has seen ended completed, refused 500 not_found; it should be"),
        (PRINTED, b"{}", "has saved no MP4"),
        (PRINTED, None, "has saved no MP4"),
    ],
)
def test_a_program_must_go_through_all_steps_and_save_an_mp4(
    printed: str, saved: bytes | None, problem: str | None, tmp_path: Path
) -> None:
    video = tmp_path / "video.mp4"
    if saved is not None:
        video.write_bytes(saved)
    told = problem_of(printed, video)
    assert problem == (told if problem is None else (told or "")[: len(problem)])


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.ts")), ids=lambda program: str(program.stem))
def test_a_program_prints_each_step_and_has_words_that_the_contract_does_not_know(program: Path) -> None:
    text = program.read_text("utf-8")
    assert STEPS == re.findall(r'console\.log\("(\w+)"', text)
    for field in ("model", "status"):
        assert f'{field}: "{UNKNOWN[field]}"' in text


def test_what_is_unknown_is_not_in_the_contract() -> None:
    assert UNKNOWN["status"] not in SCHEMAS["VideoStatus"]["x-known-values"]
    assert UNKNOWN["model"] not in SCHEMAS["VideoModel"]["x-known-values"]
    assert ["of_tomorrow"] == [field for field in UNKNOWN if field not in SCHEMAS["Video"]["properties"]]


def test_each_version_from_npm_is_exact() -> None:
    package = json.loads((PROGRAMS / "package.json").read_text("utf-8"))
    versions = package["dependencies"] | package["devDependencies"]
    assert [] == [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)]


def test_each_example_is_read_and_each_video_also_with_what_is_unknown() -> None:
    read = list(readable(CONTRACT))
    examples = CONTRACT["components"]["examples"]
    assert [*examples] == [name for name, _, value in read if "of_tomorrow" not in value]
    assert [name for name, example in examples.items() if example["value"]["object"] == "video"] == [
        name.partition(" ")[0] for name, _, value in read if "of_tomorrow" in value
    ]
    assert {"Video", "Character"} == {model for _, model, _ in read} & SCHEMAS.keys()


class Reader:
    """A model that knows some words, or all, and keeps each field that it reads, but for one."""

    lost = ""
    words: tuple[str, ...] = ()

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    @classmethod
    def model_validate_json(cls, text: str) -> Reader:
        value = json.loads(text)
        if cls.words and value.get("status") not in cls.words:
            raise ValueError(value["status"])
        return cls(value)

    def model_dump(self, **_: object) -> dict[str, Any]:
        return {name: value for name, value in self.value.items() if name != self.lost}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> type[Reader]:
    """Put a model in the place of those that are generated."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "contract_models", SimpleNamespace(Video=Reader, Character=Reader))
    return Reader


def test_models_that_give_back_all_that_they_read_are_counted(
    reader: type[Reader], capsys: pytest.CaptureFixture[str]
) -> None:
    contract_clients.read_examples(Path(), CONTRACT)
    assert f"has read {len(list(readable(CONTRACT)))} examples" in capsys.readouterr().out


@pytest.mark.parametrize("lost", ["of_tomorrow", "status"])
def test_a_model_that_loses_a_field_is_told(lost: str, reader: type[Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "lost", lost)
    with pytest.raises(ContractClientError, match="the model Video reads the example QueuedVideo"):
        contract_clients.read_examples(Path(), CONTRACT)


def test_a_model_that_knows_no_other_word_is_told(reader: type[Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "words", ("queued",))
    unreadable = "the model Video cannot read the example QueuedVideo with unknown words and fields: rendering"
    with pytest.raises(ContractClientError, match=unreadable):
        contract_clients.read_examples(Path(), CONTRACT)


def test_a_tool_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ContractClientError, match=r"(?s)exit status 3.* It said:\nno such thing"):
        run(tmp_path, "python", "-c", "print('no such thing'); raise SystemExit(3)")


def test_a_tool_that_is_missing_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ContractClientError, match="no-such-tool is not installed; run `nox -s contract_clients`"):
        run(tmp_path, "no-such-tool")


def test_a_directory_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(SystemExit):
        contract_clients.main(["--directory", str(tmp_path)])
    assert f"{tmp_path} exists already; remove it, or name another" in capsys.readouterr().err
    assert ["kept"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.endswith("Form")])
def test_a_field_of_a_form_is_a_bare_reference_or_none(name: str) -> None:
    """OpenAPI Generator sends a field that has a keyword beside its reference as a file."""
    for field, schema in SCHEMAS[name]["properties"].items():
        assert "$ref" not in schema or ["$ref"] == list(schema), field


def test_all_prompts_have_one_limit() -> None:
    """The limits of prompts in forms are no references, for the same reason."""
    forms = [SCHEMAS[name]["properties"]["prompt"] for name in ("EditVideoForm", "ExtendVideoForm")]
    for schema in forms:
        assert {key: value for key, value in schema.items() if key != "description"} == {
            key: value for key, value in SCHEMAS["Prompt"].items() if key != "description"
        }
