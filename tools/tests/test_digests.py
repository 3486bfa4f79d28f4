"""Digests of documents: they are equal for what says the same, and cost what the document is long."""

from __future__ import annotations

import copy
from typing import Any

from contract_diff.digests import MOST_ROUNDS, Digests, circles, is_same
from hypothesis import given
from hypothesis import strategies as st

Graph = list[list[int]]
"""For each node those that it leads to, in order."""


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> Graph:
    """Return a graph, with circles and diamonds."""
    size = draw(st.integers(1, most))
    return draw(st.lists(st.lists(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size))


def document(graph: Graph, words: list[int]) -> dict[str, Any]:
    """Return a document of schemas that refer to each other as the nodes of a graph do, each with a word."""
    return {
        "used": [ref(number) for number in range(len(graph))],
        "components": {
            "schemas": {
                f"S{number}": {
                    "maxLength": word,
                    "properties": {f"p{at}": ref(target) for at, target in enumerate(targets)},
                }
                for number, (targets, word) in enumerate(zip(graph, words, strict=True))
            }
        },
    }


def ref(number: int) -> dict[str, str]:
    """Return a reference to a node."""
    return {"$ref": f"#/components/schemas/S{number}"}


def unfolded(graph: Graph, words: list[int]) -> list[int]:
    """Return a number for each node, the same for those from which all ways read the same."""
    told = [*words]
    for _ in graph:
        texts = [(told[number], words[number], [told[each] for each in graph[number]]) for number in range(len(graph))]
        told = [texts.index(text) for text in texts]
    return told


@given(graphs(), st.data())
def test_nodes_of_two_documents_are_the_same_if_all_ways_from_them_are(graph: Graph, data: st.DataObject) -> None:
    size = len(graph)
    some = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    others = [*some]
    if data.draw(st.booleans()):
        others[data.draw(st.integers(0, size - 1))] = 2
    expected = unfolded([*graph, *([each + size for each in targets] for targets in graph)], [*some, *others])
    old, new = Digests(document(graph, some)), Digests(document(graph, others))
    for number in range(size):
        is_equal = expected[number] == expected[number + size]
        assert is_equal == is_same(old, ref(number), new, ref(number))


@given(graphs(60))
def test_a_target_is_looked_at_as_often_as_there_are_rounds_at_the_most(graph: Graph) -> None:
    digests = Digests(document(graph, [0] * len(graph)))
    assert digests.steps <= len(graph) * MOST_ROUNDS
    assert len(digests.known) <= len(graph)


def test_a_ladder_is_looked_at_once() -> None:
    graph = [[number + 1, number + 1] for number in range(5000)]
    assert 5001 == Digests(document([*graph, []], [0] * 5001)).steps


def test_what_is_not_told_apart_in_time_is_another() -> None:
    size = MOST_ROUNDS * 3
    graph = [[(number + 1) % size] for number in range(size)]
    some = document(graph, [1] + [0] * (size - 1))
    old, new = Digests(some), Digests(copy.deepcopy(some))
    assert old.steps == size * MOST_ROUNDS
    assert not is_same(old, ref(0), new, ref(0))
    assert is_same(old, ref(0), old, ref(0))


@given(graphs())
def test_a_circle_is_what_leads_to_itself(graph: Graph) -> None:
    edges = {str(number): [str(each) for each in targets] for number, targets in enumerate(graph)}
    reached = {name: {name} for name in edges}
    for _ in edges:
        reached = {name: some.union(*(reached[each] for each in edges[name])) for name, some in reached.items()}
    groups = circles(edges)
    assert sorted(edges) == sorted(name for group in groups for name in group)
    done: set[str] = set()
    for group in groups:
        assert {name for name in edges if name in reached[group[0]] and group[0] in reached[name]} == {*group}
        done |= {*group}
        assert all({*edges[name]} <= done for name in group)


def test_a_value_is_no_text_of_others() -> None:
    pairs = [({"a": 1, "b": 2}, {"a:1,b": 2}), ([1, [2]], [[1], 2]), ({"a": "1"}, {"a": 1}), ([], {})]
    digests = Digests({})
    assert all(digests.of(one) != digests.of(other) for one, other in pairs)
    assert digests.of({"a": 1.0, "b": [True]}) == digests.of({"b": [True], "a": 1})
