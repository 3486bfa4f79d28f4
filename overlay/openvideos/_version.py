"""Hold the version of the distribution, which pyproject.toml names too (a test compares them)."""

from __future__ import annotations

__version__ = "0.1.0"
