"""What `--json` writes fits docs/cli.schema.json, as docs/cli.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from jsonschema import Draft202012Validator

from openvideos import Character, Video, VideoDeleteResponse
from openvideos._batch.opening import open_batch
from openvideos._cli.main import cli
from openvideos_emulator.testing import OpenVideosServer

from .conftest import Answer, Run

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads(DOCS.joinpath("cli.schema.json").read_text("utf-8"))
ROWS = re.findall(r"^\| (`[^|]*) \|[^|]*\| `(\w+)` \|$", DOCS.joinpath("cli.md").read_text("utf-8"), re.MULTILINE)
DEFINITIONS = {name: definition for names, definition in ROWS for name in re.findall(r"`([a-z ]+)`", names)}
SMALL = ("--size", "64x48", "--seconds", "1")


def check(definition: str, value: Any) -> None:
    Draft202012Validator(SCHEMA | {"$ref": f"#/$defs/{definition}"}).validate(value)


def test_every_command_has_a_definition() -> None:
    groups = {name: command for name, command in cli.commands.items() if isinstance(command, click.Group)}
    names = {name for name in cli.commands if name not in {*groups, "completion"}}
    names |= {f"{group} {name}" for group, command in groups.items() for name in command.commands}
    assert names == set(DEFINITIONS)
    assert set(DEFINITIONS.values()) <= SCHEMA["$defs"].keys()


@pytest.mark.parametrize(
    ("name", "kind"), [("video", Video), ("deletion", VideoDeleteResponse), ("character", Character)]
)
def test_a_definition_has_the_keys_of_the_contract(name: str, kind: Any) -> None:
    assert sorted(kind._KEYS.values()) == sorted(SCHEMA["$defs"][name]["required"])


@pytest.mark.usefixtures("at_emulator")
def test_each_command_writes_what_it_is_said_to_write(
    run: Run, openvideos_server: OpenVideosServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.launch", lambda *_, **__: 0)
    job = openvideos_server.seed(size="64x48", seconds="1").id
    clip = tmp_path / "clip.mp4"
    assert 0 == run("download", job, "--output", clip).code
    character = run("characters", "create", "Ada", clip).out.strip()
    calls: dict[str, list[tuple[object, ...]]] = {
        "create": [("A kite", *SMALL), ("A kite", *SMALL, "--wait"), ("A kite", *SMALL, "--output", clip)],
        "remix": [(job, "x")],
        "edit": [(job, "x")],
        "extend": [(job, "x", "--seconds", "1")],
        "get": [(job,)],
        "list": [("--all",)],
        "wait": [(job,)],
        "download": [(job, "--output", clip)],
        "open": [(job,)],
        "characters create": [("Ada", clip)],
        "characters get": [(character,)],
        "doctor": [()],
        "delete": [(job, "--yes")],
    }
    calls |= batches(tmp_path)
    assert DEFINITIONS.keys() == calls.keys()
    for name, several in calls.items():
        for arguments in several:
            if name == "batch resolve":
                with closing(open_batch(str(tmp_path / "out"), None)) as ledger:
                    ledger.set("cat", "ambiguous")
            ran = run(*name.split(), *arguments, "--json")
            assert 0 == ran.code, name
            assert ran.lines, name
            for line in ran.lines:
                check(DEFINITIONS[name], json.loads(line))
    for words in (["get", "nope"], ["get"], ["wait", "nope"]):
        check("error", json.loads(run(*words, "--json").err))


def batches(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return calls of the commands of batches, one after the other."""
    jobs, out = folder / "jobs.csv", folder / "out"
    jobs.write_text("prompt,name,size,seconds\nA batch,cat,64x48,1\n")
    return {
        "batch run": [(jobs, "--out", out)],
        "batch worker": [],  # it needs PostgreSQL, and writes what `run` does
        "batch status": [(out,)],
        "batch export": [(out, "--format", "csv", "--output", folder / "a.csv")],
        "batch retry": [(out,)],
        "batch resolve": [(out, "--row", "cat", "--send")],
    }


def test_a_server_that_leaves_out_all_it_can(run: Run, serve: Callable[[Answer], None]) -> None:
    serve(lambda _: httpx.Response(200, json={"id": "video_1", "status": "odd", "vendor": [1]}))
    value = run("get", "video_1", "--json").json
    check("video", value)
    assert ([1], None) == (value["vendor"], value["prompt"])
