"""Collect all rules that judge the recorded exchanges of a run. Pure.

A rule judges every exchange, whether a check, the thread that polls the jobs, or the generator sent it. It also counts
the instances that it could judge, so that a rule that nothing exercised does not pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import (
    agreement_rules,
    content_rules,
    delete_rules,
    disclosure_rules,
    job_rules,
    lifecycle_rules,
    list_rules,
    response_rules,
)
from .rule import Judged, Rule
from .traffic import Traffic

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["RULES", "Judged", "Rule", "Traffic"]

_MODULES: Final = (
    *(job_rules, lifecycle_rules, agreement_rules, list_rules, content_rules, delete_rules),
    *(response_rules, disclosure_rules),
)


def _rules_of(module: ModuleType) -> list[Rule]:
    return [value for value in vars(module).values() if isinstance(value, Rule)]


RULES: Final = tuple(rule for module in _MODULES for rule in _rules_of(module))
"""All rules, in the order of their modules."""
