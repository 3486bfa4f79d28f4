"""`tools/regenerate.py` after edits of the contract, run as a contributor runs it, in a copy that git knows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PARTS = ["generated", "generator-templates", "overlay/openvideos"]
FILES = ["CHANGELOG.md", "generator-config.yaml", "openapi.yaml", "pyproject.toml", "overlay/uncovered.toml"]
FPS = "        url:\n          type: [string, 'null']\n"

pytestmark = pytest.mark.slow


def git(root: Path, *arguments: str) -> None:
    """Run git with an author that it would otherwise ask for."""
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Return a copy of the project of which git keeps a release."""
    root = tmp_path / "project"
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "openapi.yaml")
    for part in PARTS:
        shutil.copytree(PROJECT / part, root / part, ignore=ignored)
    for file in FILES:
        shutil.copyfile(PROJECT / file, root / file)
    (root / "tools").mkdir()
    for script in (PROJECT / "tools").glob("*.py"):
        shutil.copyfile(script, root / "tools" / script.name)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Release")
    git(root, "tag", "v0.1.0")
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a copy."""
    command = [sys.executable, "tools/regenerate.py", *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def change(path: Path, old: str, new: str, count: int = -1) -> None:
    """Replace a text that stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def test_an_optional_response_field_needs_no_decision(released: Path) -> None:
    change(
        released / "openapi.yaml", FPS, f"        fps:\n          type: integer\n          description: Speed.\n{FPS}"
    )
    first = run(released)
    assert (0, "") == (first.returncode, first.stderr), first.stdout
    assert "the optional property `fps` is added" in first.stdout
    assert "Speed." in (released / "generated/openvideos_raw/models/video.py").read_text("utf-8")
    changelog = (released / "CHANGELOG.md").read_text("utf-8")
    assert "the optional property `fps` is added" in changelog.partition("### API changes\n\n- ")[2]
    assert 0 == run(released).returncode
    assert changelog == (released / "CHANGELOG.md").read_text("utf-8")


def test_a_request_field_is_named_with_the_line_to_add_it_at(released: Path) -> None:
    before = "        input_reference:\n"
    change(
        released / "openapi.yaml",
        before + "          type",
        "        seed:\n          type: integer\n" + before + "          type",
    )
    result = run(released)
    assert 1 == result.returncode, result.stdout + result.stderr
    for file in ("_videos.py", "_async_videos.py"):
        [line] = [line for line in result.stdout.splitlines() if line.startswith(f"decide: overlay/openvideos/{file}:")]
        assert line.endswith("create_video takes `seed`: add it")
        number = int(line.split(":")[2])
        assert "def create(" in (released / "overlay/openvideos" / file).read_text("utf-8").splitlines()[number - 1]


def test_a_status_and_an_operation_are_left_to_decide(released: Path) -> None:
    change(released / "openapi.yaml", "processing, completed, failed]", "processing, completed, failed, paused]")
    change(released / "openapi.yaml", "operationId: delete_video", "operationId: remove_video", 1)
    change(released / "openapi.yaml", "operationId: delete_video", "operationId: remove_video")
    result = run(released)
    assert 1 == result.returncode, result.stdout + result.stderr
    assert 'the status "paused" is unknown' in result.stdout
    assert "remove_video has no method" in result.stdout
    assert "delete_video is no longer in the contract" in result.stdout


def test_a_breaking_change_needs_another_version(released: Path) -> None:
    change(released / "openapi.yaml", "maxLength: 32000", "maxLength: 1000")
    assert 0 == run(released).returncode
    refused = run(released, "--check")
    assert 1 == refused.returncode
    assert "breaking: `maxLength` was 32000 and is 1000 (/components/schemas/Prompt)" in refused.stdout
    change(released / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    assert 0 == run(released, "--check").returncode


def test_an_invalid_contract_changes_nothing(released: Path) -> None:
    change(released / "openapi.yaml", "const: event", "const: event\n          type: strin", 1)
    result = run(released)
    assert (2, "") == (result.returncode, result.stdout)
    assert "openapi.yaml:" in result.stderr
    assert "is no OpenAPI 3.1" in result.stderr
