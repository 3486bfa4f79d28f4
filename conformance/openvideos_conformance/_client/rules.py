"""Gather the rules for clients."""

from __future__ import annotations

from . import content_rules, job_rules, list_rules, request_rules, run_rules
from .rule import RULES, ClientRule, verdicts

__all__ = ["RULES", "ClientRule", "content_rules", "job_rules", "list_rules", "request_rules", "run_rules", "verdicts"]
