"""Gather the wrong and the odd clients."""

from __future__ import annotations

from . import jobs, odd, requests, responses
from .registry import DEFECTS, RIGHT, Defect

__all__ = ["DEFECTS", "RIGHT", "Defect", "jobs", "odd", "requests", "responses"]
