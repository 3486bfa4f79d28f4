"""Run the suite with pytest: `pytest --pyargs openvideos_conformance --base-url URL`.

This module is loaded in every run of pytest where openvideos is installed, so it imports nothing else of the suite, and
adds no option, until the suite itself is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_PACKAGE = "openvideos_conformance"
_RUN = "openvideos_conformance.run"  # as in `_pytest/fixtures.py`, which is not imported before it is needed


def pytest_load_initial_conftests(
    early_config: pytest.Config,  # noqa: ARG001 - pytest passes by name
    parser: pytest.Parser,
    args: list[str],
) -> None:
    """Add the suite's options and hooks if the suite is asked for."""
    if not any(_is_suite(argument.split("::")[0]) for argument in args):
        return
    from ._pytest.options import add_options

    add_options(parser)


def _is_suite(name: str) -> bool:
    # Not every module of the package: this one is named by who loads it with -p.
    return name == _PACKAGE or f"{name}.".startswith(f"{_PACKAGE}.suite.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's hooks and fixtures if the suite is asked for."""
    is_asked_for = hasattr(config.option, "openvideos_expected_failures") and not config.option.help
    if not is_asked_for or config.pluginmanager.has_plugin(_RUN):
        return
    from ._pytest.options import plugin_of

    config.pluginmanager.register(plugin_of(config), _RUN)
