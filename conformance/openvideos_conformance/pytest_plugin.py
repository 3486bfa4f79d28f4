"""Run the suite with pytest: `pytest --pyargs openvideos_conformance --base-url URL`.

Every run of pytest loads this module if openvideos is installed. So it imports nothing else of the suite, and adds no
option, unless the suite itself is to be run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_PACKAGE = "openvideos_conformance"
_RUN = "openvideos_conformance.run"
"""The name under which the plugin of a run is registered, once."""


def pytest_load_initial_conftests(
    early_config: pytest.Config,  # noqa: ARG001 - pytest passes by name
    parser: pytest.Parser,
    args: list[str],
) -> None:
    """Add the suite's options if the suite is to be run."""
    if not any(_is_suite(argument.split("::")[0]) for argument in args):
        return
    from ._pytest.options import add_options

    add_options(parser)


def _is_suite(name: str) -> bool:
    # Other modules of the package do not count: `-p openvideos_conformance.pytest_plugin` names this one.
    return name == _PACKAGE or f"{name}.".startswith(f"{_PACKAGE}.suite.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite's hooks and fixtures if the suite is to be run."""
    is_asked_for = hasattr(config.option, "openvideos_expected_failures") and not config.option.help
    if not is_asked_for or config.pluginmanager.has_plugin(_RUN):
        return
    from ._pytest.options import plugin_of

    config.pluginmanager.register(plugin_of(config), _RUN)
