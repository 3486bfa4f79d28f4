"""What users install: the wheel, whether it is built from the tree or from the sdist, and the install in place."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import openvideos

PROJECT = Path(__file__).parents[2]
CONTRACT = (PROJECT / "openapi.yaml").read_bytes()
PACKAGES = ["openvideos", "openvideos_conformance", "openvideos_emulator", "openvideos_raw"]
READERS = ["openvideos", "openvideos_emulator"]
"""The packages that read the contract."""
QUIET = [f"-pno:{name}" for name in ("anyio", "hypothesispytest", "pytest_cov", "schemathesis", "timeout", "xdist")]
"""Leaves out the plugins that are there for our own tests."""

pytestmark = [pytest.mark.full, pytest.mark.slow]


@pytest.fixture(scope="module", params=["the tree", "the sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built by the backend that is installed here: nothing is fetched."""
    target = tmp_path_factory.mktemp("dist")
    how = ["--wheel"] if request.param == "the tree" else []  # by default the wheel is made from the sdist
    command = [sys.executable, "-m", "build", "--no-isolation", *how, "--outdir", str(target), str(PROJECT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == run.returncode, run.stdout + run.stderr
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
        assert 0o12 != member.external_attr >> 28  # no symbolic link


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert [*PACKAGES, f"openvideos-{openvideos.__version__}.dist-info"] == sorted(
        {name.split("/")[0] for name in names}, key=lambda name: ("." in name, name)
    )
    assert len(names) == len(set(names))
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    ours = [name for name in names if not name.startswith("openvideos_conformance/suite/")]  # tests of others' servers
    assert not [name for name in ours if "/test_" in name or "/tests/" in name or name.endswith(".pyc")]


def test_the_wheel_holds_the_dashboard(wheel: Path) -> None:
    source = PROJECT / "conformance/openvideos_emulator/dashboard"
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("openvideos_emulator/dashboard/")}
        assert {f"openvideos_emulator/dashboard/{file.name}" for file in source.iterdir()} == held
        assert (source / "page.html").read_bytes() == archive.read("openvideos_emulator/dashboard/page.html")


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        info = f"openvideos-{openvideos.__version__}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert (PROJECT / "LICENSE").read_bytes() == archive.read(f"{info}/licenses/LICENSE")
    assert (openvideos.__version__, "Apache-2.0") == (metadata["Version"], metadata["License-Expression"])
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


def test_an_installed_wheel_gives_the_tests_of_other_projects_an_emulator(wheel: Path, tmp_path: Path) -> None:
    env, project = tmp_path / "env", tmp_path / "project"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    python = env / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202 - a wheel that we built
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    project.mkdir()
    (project / "yaml.py").write_text("raise AssertionError('the emulator reads a module of the project')")
    (project / "test_it.py").write_text(
        "import openvideos_emulator\n"
        "from openvideos_emulator.testing import OpenVideosServer\n"
        "def test_it(openvideos_server: OpenVideosServer) -> None:\n"
        f"    assert openvideos_emulator.__file__.startswith({str(site)!r})\n"
        "    assert [openvideos_server.seed()] == openvideos_server.jobs\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYT"))}
    for named in ([], ["-p", "openvideos_emulator.pytest_plugin"]):  # whoever names it has it once all the same
        run = subprocess.run(
            [python, "-X", "dev", "-W", "error", "-m", "pytest", *QUIET, "-W", "error", *named],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (0, "") == (run.returncode, run.stderr), run.stdout


@pytest.mark.parametrize("package", READERS)
def test_the_contract_is_found_in_an_install_in_place(package: str) -> None:
    assert CONTRACT == importlib.resources.files(package).joinpath("openapi.yaml").read_bytes()
