"""What users install: the wheel, whether it is built from the tree or from the sdist, and the install in place."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CONTRACT = (PROJECT / "openapi.yaml").read_bytes()
PACKAGES = ["openvideos", "openvideos_emulator", "openvideos_raw"]
READERS = ["openvideos", "openvideos_emulator"]
"""The packages that read the contract."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["the tree", "the sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built by the backend that is installed here: nothing is fetched."""
    target = tmp_path_factory.mktemp("dist")
    how = ["--wheel"] if request.param == "the tree" else []  # by default the wheel is made from the sdist
    command = [sys.executable, "-m", "build", "--no-isolation", *how, "--outdir", str(target), str(PROJECT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    for sdist in target.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            assert any(name.endswith("/openapi.yaml") for name in archive.getnames())
    (built,) = target.glob("*.whl")
    return built


@pytest.mark.parametrize("package", READERS)
def test_the_wheel_holds_the_contract_itself(wheel: Path, package: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        member = archive.getinfo(f"{package}/openapi.yaml")
        assert CONTRACT == archive.read(member)
        assert member.external_attr >> 28 != 0o12  # no symbolic link


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert [*PACKAGES, "openvideos-0.1.0.dist-info"] == sorted(
        {name.split("/")[0] for name in names}, key=lambda name: ("." in name, name)
    )
    assert len(names) == len(set(names))
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        info = f"openvideos-{project['version']}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert (PROJECT / "LICENSE").read_bytes() == archive.read(f"{info}/licenses/LICENSE")
    assert (project["version"], "Apache-2.0") == (metadata["Version"], metadata["License-Expression"])
    assert sorted(project["optional-dependencies"]) == sorted(metadata.get_all("Provides-Extra", []))
    core = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert ["attrs", "httpx"] == sorted(line.split("<")[0].split(">")[0] for line in core)


@pytest.mark.parametrize("package", READERS)
def test_the_contract_is_found_in_an_installed_wheel(wheel: Path, tmp_path: Path, package: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # noqa: S202 - a wheel that we built
    code = f"""
import importlib.resources, sys
found = importlib.resources.files({package!r}).joinpath("openapi.yaml")
assert str(found).startswith({str(tmp_path)!r}), found
sys.stdout.buffer.write(found.read_bytes())
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert CONTRACT == run.stdout


@pytest.mark.parametrize("package", READERS)
def test_the_contract_is_found_in_an_install_in_place(package: str) -> None:
    assert CONTRACT == importlib.resources.files(package).joinpath("openapi.yaml").read_bytes()
