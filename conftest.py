"""Set what all tests of the project share: how often a property is tried, and what is left to CI and to a release."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest
from covering import covering
from hypothesis import HealthCheck, Phase, settings

# `nox` takes the profile "quick", `nox -s full` "full", and `nox -s regenerate` the last, which looks for no smaller
# example. A test that sets a number of its own counts from the
# profile's. A busy machine is slow, and that is no failure; the rest is Hypothesis's own, which in CI repeats itself.
for _name, _examples in {"quick": 10, "full": 100}.items():
    settings.register_profile(
        _name,
        parent=settings(),
        max_examples=_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.register_profile(
    "unshrunk", parent=settings.get_profile("quick"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


_MEASURED = tuple(
    f"overlay/tests/{part}" for part in ("batch", "cli", "faults", "flows", "raw", "seed", "servers", "test_")
)


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
    """Leave to CI, and to a release, what a product of parameters has beyond its values and its pairs of values."""
    products = defaultdict[str, list[tuple[pytest.Item, list[int]]]](list)
    for item in items:
        values: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if values and item.get_closest_marker("product") is not None:
            # A value need not be hashable, but it is the same object in each case.
            products[item.nodeid.partition("[")[0]].append((item, [id(values[name]) for name in sorted(values)]))
    for product in products.values():
        cases = [case for _, case in product]
        values_occur, pairs_occur = covering(cases, 1), covering(cases, 2)
        for place, (item, _) in enumerate(product):
            if place not in values_occur:
                item.add_marker("full" if place in pairs_occur else "release")
