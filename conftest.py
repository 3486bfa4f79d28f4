"""Set what all tests of the project share: how often a property is tried, and what is left to the full run."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# `nox` takes the profile "quick", `nox -s full` the other. A test that sets a number of its own counts from the
# profile's. A busy machine is slow, and that is no failure; the rest is Hypothesis's own, which in CI repeats itself.
for _name, _examples in {"quick": 10, "full": 100}.items():
    settings.register_profile(
        _name,
        parent=settings(),
        max_examples=_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


_MEASURED = tuple(f"overlay/tests/{part}" for part in ("faults", "flows", "raw", "seed", "servers", "test_"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage of the SDK's own tests alone, without the properties that go through the whole contract.

    To trace the others would take them as long again.

    pytest-cov's marker `no_cover` does not reach the second tracer that it starts in each worker of pytest-xdist.
    """
    if item.nodeid.startswith(_MEASURED) or not item.config.pluginmanager.has_plugin("_cov"):
        return (yield)
    tracer, tracer_of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
        threading.settrace(tracer_of_threads)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `full` what a product of parameters has beyond its pairs: see the marker `in_turn`."""
    products = defaultdict[str, list[tuple[pytest.Item, dict[str, Any], tuple[str, ...]]]](list)
    for item in items:
        marker = item.get_closest_marker("in_turn")
        if marker is not None:
            values: dict[str, Any] = item.callspec.params  # type: ignore[attr-defined] # it is parametrized
            products[item.nodeid.partition("[")[0]].append((item, values, marker.args))
    for product in products.values():
        places = defaultdict[str, dict[int, int]](dict)
        """Which value of its parameter each is, by its identity."""
        for _, values, _ in product:
            for name, value in values.items():
                places[name].setdefault(id(value), len(places[name]))
        for item, values, in_turn in product:
            place = {name: places[name][id(value)] for name, value in values.items()}
            turn = sum(place[name] for name in place if name not in in_turn)
            if any(place[name] != turn % len(places[name]) for name in in_turn):
                item.add_marker("full")
