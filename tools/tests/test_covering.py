"""The choice among the cases of a product: nothing is left out that it is to cover, and it is few."""

from __future__ import annotations

from itertools import combinations, product
from math import prod

from covering import covering
from hypothesis import given
from hypothesis import strategies as st

CASES = st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=30)


def combined(cases: list[tuple[int, ...]], strength: int) -> set[tuple[tuple[int, int], ...]]:
    """Return the values that occur together."""
    return {each for case in cases for each in combinations(enumerate(case), strength)}


@given(CASES, st.integers(1, 3))
def test_what_occurs_in_a_case_occurs_in_a_chosen_one(cases: list[tuple[int, ...]], strength: int) -> None:
    chosen = covering(cases, strength)
    assert combined(cases, strength) == combined([cases[place] for place in chosen], strength)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_a_product_has_each_value_in_as_many_cases_as_its_longest_parameter_has_values(sizes: list[int]) -> None:
    assert max(sizes) == len(covering(list(product(*map(range, sizes))), 1))


@given(st.lists(st.integers(2, 6), min_size=3, max_size=3))
def test_a_product_has_each_pair_in_few_cases(sizes: list[int]) -> None:
    least = prod(sorted(sizes)[1:])
    assert least <= len(covering(list(product(*map(range, sizes))), 2)) <= 2 * least


def test_the_cases_of_one_parameter_are_all_chosen() -> None:
    cases = [(name,) for name in ("sync", "asyncio", "trio")]
    assert {0, 1, 2} == covering(cases, 1) == covering(cases, 2)
    assert set() == covering([], 2)
