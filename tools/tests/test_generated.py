"""What is generated of any contract is typed, and says over the wire what it was given.

Contracts at random: `random_specs.py`. The quick run has one of them, the full run more.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import regenerate
from contract_diff.document import parse

from .cheap import Cheap
from .project import PROJECT
from .random_specs import Schema, random_contract, value_of

pytestmark = pytest.mark.slow

FURTHER = range(2, 13)
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.full) for seed in FURTHER)]
RELEASED = sorted(path.parent.name for path in (PROJECT / "contract").glob("*/openapi.yaml"))


def generated(contract: dict[str, Any], root: Path, cheap: Cheap) -> Path:
    """Return the directory of the client that is generated of a contract."""
    with mock.patch.object(regenerate, "subprocess", SimpleNamespace(run=cheap.run)):
        regenerate.generate(contract, root / "generated")
    return root / "generated"


def typing_problems(directory: Path, mypy_cache: Path, cheap: Cheap) -> list[str]:
    """Return what mypy says of a client, strict."""
    options = ["--strict", "--config-file=", "--no-error-summary", "--cache-dir", str(mypy_cache)]
    run = cheap.warm.run("mypy", [*options, "openvideos_raw"], str(directory), os.environ)
    return (run.stdout + run.stderr).splitlines()


def cases(document: dict[str, Any], dice: random.Random) -> list[dict[str, Any]]:
    """Return a call of each operation, with what each response is read as."""
    found: list[dict[str, Any]] = []
    for path in document["paths"].values():
        [operation] = path.values()
        case: dict[str, Any] = {"operation": operation["operationId"], "responses": []}
        case |= {place: {} for place in ("path", "query", "header", "cookie")}
        for parameter in operation["parameters"]:
            if parameter["required"] or dice.random() < 0.5:
                case[parameter["in"]][parameter["name"]] = argument_of(parameter, document, dice)
        if "requestBody" in operation:
            media_type, content = dice.choice([*operation["requestBody"]["content"].items()])
            value = next(filter(is_sent, iter(partial(value_of, content["schema"], document, dice), ...)))
            case |= {"media_type": media_type, "body": closed(value)}
        for status, response in operation["responses"].items():
            code = {"4XX": 418, "default": 599}.get(status) or int(status)
            case["responses"].append((code, response_of(response.get("content", {}), document, dice)))
        found.append(case)
    return found


def is_sent(value: Any) -> bool:
    """Tell whether httpx sends a value as JSON: it takes None for no body."""
    return value is not None


def argument_of(parameter: Schema, document: dict[str, Any], dice: random.Random) -> Any:
    """Return a value for a parameter: no empty text in a path, and none in a header that HTTP forbids."""
    while True:
        value = value_of(parameter["schema"], document, dice)
        is_odd = isinstance(value, str) and (not value or not value.isascii() or not value.isprintable())
        if parameter["in"] == "query" or not (
            is_odd or (parameter["in"] == "cookie" and value in {'"quoted"', "a/b?c=d&e"})
        ):
            return value


def response_of(content: dict[str, Any], document: dict[str, Any], dice: random.Random) -> Any:
    """Return the body of a response."""
    for media_type, each in content.items():
        value = value_of(each["schema"], document, dice)
        return {"text": value} if media_type == "text/plain" else closed(value)
    return {"nothing": True}


def closed(value: Any) -> Any:
    """Return a value as JSON, with the bytes of files as text."""
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, dict):
        return {name: closed(each) for name, each in value.items()}
    return [closed(each) for each in value] if isinstance(value, list) else value


def wire_problems(directory: Path, found: list[dict[str, Any]]) -> list[str]:
    """Return what does not come out as it went in."""
    file = directory.parent / "cases.json"
    file.write_text(json.dumps(found), "utf-8")
    script = str(Path(__file__).with_name("wire.py"))
    command = [sys.executable, script, str(directory), str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).splitlines()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_contract(seed: int, tmp_path: Path, mypy_cache: Path, cheap: Cheap) -> None:
    contract = parse("random.json", json.dumps(random_contract(seed)))
    directory = generated(contract, tmp_path, cheap)
    assert [] == typing_problems(directory, mypy_cache, cheap)
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    assert [] == wire_problems(directory, [case for _ in range(5) for case in cases(contract, dice)])


def test_what_is_not_sent_as_it_was_given_is_told(tmp_path: Path, cheap: Cheap) -> None:
    """The test above is worth something: what is wrong with a client is a line."""
    contract = random_contract(1)
    directory = generated(contract, tmp_path, cheap)
    types = directory / regenerate.PACKAGE / "types.py"
    types.write_text(types.read_text("utf-8").replace("else json.dumps(text)", "else repr(text)"), "utf-8")
    dice = random.Random(1)  # noqa: S311 - a test's dice
    found = wire_problems(directory, [case for _ in range(5) for case in cases(contract, dice)])
    assert found
    assert [] == [
        line for line in found if not re.match(r"do_thing_\d+: the (body|header \S+|path|cookies) (is|are) ", line)
    ]


@pytest.mark.full
@pytest.mark.parametrize("revision", RELEASED)
def test_a_revision_of_ours(revision: str, tmp_path: Path, mypy_cache: Path, cheap: Cheap) -> None:
    contract = parse(revision, (PROJECT / "contract" / revision / "openapi.yaml").read_text("utf-8"))
    assert [] == typing_problems(generated(contract, tmp_path, cheap), mypy_cache, cheap)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_pyright_takes_them_too(tmp_path: Path, cheap: Cheap) -> None:
    for seed in FURTHER[:6]:
        (tmp_path / str(seed)).mkdir()
        generated(random_contract(seed), tmp_path / str(seed), cheap)
    (tmp_path / "pyrightconfig.json").write_text('{"pythonVersion": "3.11"}', "utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "0 errors, 0 warnings, 0 informations") == (run.returncode, run.stdout.strip()), run.stdout + run.stderr
