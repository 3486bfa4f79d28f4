"""Copies of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from .project import Project


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache, which makes every run but the first one fast."""
    return tmp_path_factory.mktemp("mypy-cache")


@pytest.fixture
def project(tmp_path: Path, mypy_cache: Path) -> Project:
    """Return a copy of the project that git does not know."""
    return Project(tmp_path / "a project", mypy_cache)


@pytest.fixture
def released(project: Project) -> Project:
    """Return a copy of the project of which git keeps a release."""
    project.release()
    return project
