"""Copies of the project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cheap import Cheap
from .project import Project, copy_project, release


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache, which makes every run but the first one fast."""
    return tmp_path_factory.mktemp("mypy-cache")


@pytest.fixture(scope="session")
def cheap() -> Iterator[Cheap]:
    """Return what runs the command in this process."""
    cheap = Cheap()
    yield cheap
    cheap.warm.stop()


@pytest.fixture
def project(tmp_path: Path, mypy_cache: Path, cheap: Cheap) -> Project:
    """Return a copy of the project that git does not know."""
    copy_project(tmp_path / "a project")
    return Project(tmp_path / "a project", mypy_cache, cheap)


@pytest.fixture(scope="session")
def release_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project of which git keeps a release. Nobody changes it."""
    root = tmp_path_factory.mktemp("released") / "a project"
    copy_project(root)
    release(root)
    return root


@pytest.fixture
def released(tmp_path: Path, release_to_copy: Path, mypy_cache: Path, cheap: Cheap) -> Project:
    """Return a copy of the project of which git keeps a release."""
    shutil.copytree(release_to_copy, tmp_path / "a project", symlinks=True)
    return Project(tmp_path / "a project", mypy_cache, cheap)
