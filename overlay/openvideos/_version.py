"""Hold the version of the distribution; the build reads it here."""

from __future__ import annotations

__version__ = "0.2.0"
"""The version of the distribution."""
