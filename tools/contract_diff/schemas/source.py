"""Expand the schemas of one contract: from a schema to the branches that it comes to. Pure, and remembered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, TypeAlias
from urllib.parse import unquote

from ..digests import Digests
from ..model import Path, found, is_object, mapped, pointer, steps
from .discriminators import implied_names
from .keywords import FLAGS, HINTS, OWN_DIALECTS, REFERENCES, SHAPING, TYPES, UNIONS
from .shapes import (
    Branch,
    Condition,
    Containing,
    IncomparableError,
    Note,
    Part,
    Parts,
    Shape,
    as_json,
    base,
    merged,
    said,
    type_of,
)
from .simplify import simplified

MOST_BRANCHES = 100
"""A schema that comes to more is not compared: `allOf` with unions multiplies."""
MOST_PARTS = 10_000
"""So is one that combines more: references multiply."""

Expanded = tuple[list[Branch], dict[str, Note]]


@dataclass(eq=False)
class Source:
    """One of the contracts that are compared."""

    digests: Digests
    shapes: dict[tuple[Path, ...], Shape | None] = field(default_factory=dict[tuple[Path, ...], "Shape | None"])
    texts: dict[Path, str] = field(default_factory=dict[Path, str])
    left: int = 0
    """How many more schemas may be combined in the one at hand."""

    @property
    def document(self) -> Any:
        """The contract."""
        return self.digests.document

    def shape(self, parts: Parts) -> Shape | None:
        """Return what some schemas come to; None if that cannot be compared."""
        key = tuple(part.path for part in parts)
        if key not in self.shapes:
            self.left = MOST_PARTS
            try:
                branches, notes = self.expanded(parts, ())
                branches, notes = simplified(branches, notes, self.text)
                self.shapes[key] = Shape(tuple(branches), notes, self.place(parts))
            except (IncomparableError, RecursionError):
                self.shapes[key] = None
        return self.shapes[key]

    def text(self, parts: Parts) -> str:
        """Return a text that is equal for equal schemas."""
        return " and ".join(sorted(self.text_of(part) for part in parts))

    def text_of(self, part: Part) -> str:
        """Return the text of one schema."""
        if part.path not in self.texts:
            self.texts[part.path] = self.digests.of(part.schema)
        return self.texts[part.path]

    def place(self, parts: Parts) -> Path:
        """Return where some schemas are: the component, if they are a reference to one."""
        if not parts:
            return ()
        part, trail = parts[0], {parts[0].path}
        while (target := self.target(part)) and target.path not in trail:
            part = target
            trail.add(part.path)
        return part.path

    def target(self, part: Part) -> Part | None:
        """Return what a schema refers to, None if it is no reference. Raises IncomparableError if there is nothing."""
        if not is_object(part.schema):
            return None
        reference: Any = next((part.schema[key] for key in REFERENCES if key in part.schema), None)
        if reference is None:
            return None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise IncomparableError(f"{reference} is not read")
        path = steps(unquote(reference))
        try:
            return Part(found(self.document, path), path)
        except LookupError as problem:
            raise IncomparableError(f"there is nothing at {reference}") from problem

    def expanded(self, parts: Parts, trail: tuple[Path, ...]) -> Expanded:
        """Return the branches of schemas that hold at once, and what they say beside that."""
        branches, notes = [Branch(kind) for kind in TYPES], dict[str, Note]()
        for part in parts:
            branches, notes = combined((branches, notes), self.branches_of(part, trail))
        return branches, notes

    def branches_of(self, part: Part, trail: tuple[Path, ...]) -> Expanded:
        """Return the branches of one schema, and what it says beside that."""
        self.count()
        schema, path = part.schema, part.path
        if schema is False:
            return [], {}
        if schema is True:
            return [Branch(kind) for kind in TYPES], {}
        if not is_object(schema):
            raise IncomparableError("a schema is an object, true or false")
        notes = {key: Note(value, path) for key, value in schema.items() if is_note(key, value)}
        if "discriminator" in schema:
            notes["discriminator"] = Note(self.discriminator(schema, path), path)
        own = [*self.own(schema, path)]
        found: Expanded = (self.conditioned(own, schema, path, trail) if "if" in schema else own), notes
        if (target := self.target(part)) and target.path not in trail:
            found = combined(found, self.branches_of(target, (*trail, target.path)))
        for number, each in enumerate(schema.get("allOf", ())):
            found = combined(found, self.branches_of(Part(each, (*path, "allOf", str(number))), trail))
        if is_negation(schema.get("not")):
            branches, _ = self.branches_of(Part(schema["not"]["not"], (*path, "not", "not")), trail)
            found = combined(found, (branches, {}))
        for union in UNIONS:
            if union in schema:
                found = combined(found, self.united(schema[union], (*path, union), trail, found[0]))
        return [self.closed(branch, schema, path) for branch in found[0]], found[1]

    def conditioned(
        self, branches: list[Branch], schema: dict[str, Any], path: Path, trail: tuple[Path, ...]
    ) -> list[Branch]:
        """Return branches with what holds if something else does; where the type alone decides that, it just holds."""
        condition = Condition(
            (Part(schema["if"], (*path, "if")),), part_of(schema, path, "then"), part_of(schema, path, "else")
        )
        if not condition.then and not condition.otherwise:
            return branches
        tests, _ = self.branches_of(condition.test[0], trail)
        texts = " ".join(map(self.text, (condition.test, condition.then, condition.otherwise)))
        done: list[Branch] = []
        for branch in branches:
            of_type = [each for each in tests if each.type == branch.type]
            if of_type and not any(each.is_free for each in of_type):
                done.append(replace(branch, rules={**branch.rules, ("if", texts): Note(condition, path)}))
            else:
                held = self.expanded(condition.then if of_type else condition.otherwise, trail)
                done += combined(([branch], {}), held)[0]
        return done

    def count(self) -> None:
        """Count one of the schemas that are combined. Raises IncomparableError if there are too many."""
        self.left -= 1
        if self.left < 0:
            raise IncomparableError("it comes to too many schemas")

    def united(self, schemas: list[Any], path: Path, trail: tuple[Path, ...], around: list[Branch]) -> Expanded:
        """Return the branches of a union, beside which others hold.

        What the one of them that is not null says is said of them all.
        """
        several = [self.branches_of(Part(each, (*path, str(at))), trail) for at, each in enumerate(schemas)]
        speaking = [(branches, notes) for branches, notes in several if any(each.type != "null" for each in branches)]
        if len(speaking) == 1:
            of_null = [notes for branches, notes in several if all(each.type == "null" for each in branches)]
            notes = {f"{key} of null": note for some in of_null for key, note in some.items()}
            return [branch for branches, _ in several for branch in branches], {**notes, **speaking[0][1]}
        found: list[Branch] = []
        for branches, notes in several:
            found += [replace(branch, notes={**notes, **branch.notes}) if notes else branch for branch in branches]
        groups = [branches for branches, _ in several]
        if path[-1] == "oneOf" and not self.are_apart(groups) and not self.are_apart(beside(around, groups)):
            mark = Note(value=True, path=path[:-1])
            found = [replace(branch, rules={**branch.rules, ("oneOf", ""): mark}) for branch in found]
        return found, {}

    def are_apart(self, groups: Iterable[list[Branch]]) -> bool:
        """Return whether no value is in two of some groups of branches, as far as types and values tell."""
        return all(self.are_disjoint(*pair) for pair in combinations(groups, 2))

    def are_disjoint(self, ones: list[Branch], others: list[Branch]) -> bool:
        """Return whether no value is in two groups of branches, as far as types and values tell."""
        for one, other in [(one, other) for one in ones for other in others if one.type == other.type]:
            if one.values is None or other.values is None:
                required = one.required.keys() | other.required.keys()  # the one that does not is without it
                names = required & one.properties.keys() & other.properties.keys()
                pairs = [(self.listed(one.properties[name]), self.listed(other.properties[name])) for name in names]
                if not any(left and right and left.isdisjoint(right) for left, right in pairs):
                    return False
            elif not set(one.values).isdisjoint(other.values):
                return False
        return True

    def listed(self, parts: Parts) -> frozenset[str]:
        """Return the values that some schemas enumerate, none if they do not."""
        shape = self.shape(parts)
        if not shape or any(branch.values is None for branch in shape.branches):
            return frozenset()
        return frozenset(value for branch in shape.branches for value in branch.values or ())

    def own(self, schema: dict[str, Any], path: Path) -> Iterator[Branch]:
        """Yield the branches that a schema has by its own keywords, without those that it refers to or combines."""
        named: str | list[str] = schema.get("type", list(TYPES))
        types = [named] if isinstance(named, str) else named
        listed: list[Any] = [schema["enum"]] if "enum" in schema else []
        listed += [[schema["const"]]] if "const" in schema else []
        values: list[set[str]] = [{as_json(value) for value in some} for some in listed]
        excluded, rules = self.excluded(schema, path)
        for kind in TYPES:
            if kind in excluded or (kind not in types and not (kind == "number" and "integer" in types)):
                continue
            branch = self.with_parts(base(schema, path, kind, types), schema, path)
            if more := rules | dict(self.rules(schema, path, kind)):
                branch = replace(branch, rules={**branch.rules, **more})
            if values:
                shared = [value for value in values[0] if all(value in some for some in values)]
                fitting = [value for value in shared if type_of(json.loads(value)) == kind]
                if fitting:
                    yield replace(branch, values=tuple(sorted(fitting)))
            else:
                yield branch

    def excluded(self, schema: dict[str, Any], path: Path) -> tuple[frozenset[str], dict[tuple[str, str], Note]]:
        """Return the types that `not` takes away, and the rule that it is if it says more than that."""
        inner = schema.get("not", False)
        if not says_something(inner):
            return frozenset(TYPES), {}
        if inner is False or is_negation(inner):
            return frozenset(), {}
        if is_object(inner) and set(inner) == {"type"} and "integer" not in inner["type"]:
            return frozenset([inner["type"]] if isinstance(inner["type"], str) else inner["type"]), {}
        parts = (Part(inner, (*path, "not")),)
        return frozenset(), {("not", self.text(parts)): Note(parts, path)}

    def rules(self, schema: dict[str, Any], path: Path, kind: str) -> Iterator[tuple[tuple[str, str], Note]]:
        """Yield the rules for values of a type that hold other schemas."""
        least, most = schema.get("minContains", 1), schema.get("maxContains", float("inf"))
        if kind == "array" and "contains" in schema and (least or most < float("inf")):
            contained = (Part(schema["contains"], (*path, "contains")),)
            yield ("contains", self.text(contained)), Note(Containing(contained, least, most), path)
        for key in {"string": ["contentSchema"], "object": ["propertyNames"]}.get(kind, []):
            if parts := part_of(schema, path, key):
                yield (key, self.text(parts)), Note(parts, path)
        for name in schema.get("dependentSchemas", ()) if kind == "object" else ():
            if parts := part_of(schema, path, "dependentSchemas", name):
                yield ("dependentSchemas", name), Note(parts, path)

    def with_parts(self, branch: Branch, schema: dict[str, Any], path: Path) -> Branch:
        """Return the branch of an array or an object with what holds for its items or its properties."""
        if branch.type == "array":
            prefix = enumerate(schema.get("prefixItems", ()))
            own = tuple((Part(each, (*path, "prefixItems", str(at))),) for at, each in prefix)
            return replace(branch, prefix=own, items=part_of(schema, path, "items"))
        if branch.type == "object":
            properties, patterns = (
                {name: (Part(each, (*path, key, name)),) for name, each in schema.get(key, {}).items()}
                for key in ("properties", "patternProperties")
            )
            return replace(
                branch,
                properties=properties,
                patterns=patterns,
                additional=part_of(schema, path, "additionalProperties"),
            )
        return branch

    def closed(self, branch: Branch, schema: dict[str, Any], path: Path) -> Branch:
        """Return a branch with what a schema demands of what none of its parts has looked at."""
        for kind, key, looking in (
            ("object", "unevaluatedProperties", {"if", "dependentSchemas"}),
            ("array", "unevaluatedItems", {"if", "contains"}),
        ):
            if branch.type == kind and says_something(schema.get(key, True)):
                parts = (Part(schema[key], (*path, key)),)
                if any(rule[0] in looking for rule in branch.rules):
                    return replace(branch, rules={**branch.rules, (key, self.text(parts)): Note(parts, path)})
                if kind == "object":
                    return replace(branch, additional=branch.additional or parts)
                return replace(branch, items=branch.items or parts)
        return branch

    def discriminator(self, schema: dict[str, Any], path: Path) -> dict[str, Any]:
        """Return a discriminator with the names that its schemas have of themselves, and what each leads to."""
        if not is_object(schema["discriminator"]):
            raise IncomparableError("a discriminator is an object")
        said = {**schema["discriminator"]}
        targets = dict(zip(said.pop("mapping", {}), mapped(schema), strict=True))
        named: list[Any] = [each["$ref"] for union in UNIONS for each in schema.get(union, ()) if "$ref" in each]
        known, field_ = {*targets.values()}, str(said.get("propertyName", ""))
        for target in [*named, *self.digests.heirs.get(f"#{pointer(path)}", ())]:
            if target not in known:
                targets |= dict.fromkeys(implied_names(self.document, target, field_), target)
        parts = {name: self.target(Part({"$ref": target}, ())) for name, target in targets.items()}
        return {**said, "mapping": {name: (part,) for name, part in parts.items() if part}}


Sources: TypeAlias = tuple[Source, Source]
"""The older contract and the newer one."""


def combined(one: Expanded, other: Expanded) -> Expanded:
    """Return what holds if both of two expanded schemas do; the first one's words come before the other's.

    Raises:
        IncomparableError: There would be too many branches.
    """
    pairs = [(left, right) for left in one[0] for right in other[0] if left.type == right.type]
    if len(pairs) > MOST_BRANCHES:
        raise IncomparableError("it comes to too many branches")
    return [branch for branch in (merged(*pair) for pair in pairs) if branch], said(one[1], other[1])


def beside(around: list[Branch], groups: Iterable[list[Branch]]) -> list[list[Branch]]:
    """Return what is left of groups of branches where others hold, too."""
    return [combined((around, {}), (branches, {}))[0] for branches in groups]


def part_of(schema: dict[str, Any], path: Path, *way: str) -> Parts:
    """Return the schema that some keys of another lead to; none if it limits nothing."""
    node: Any = schema
    for step in way:
        node = node.get(step, True)
    return (Part(node, (*path, *way)),) if says_something(node) else ()


def is_note(keyword: str, value: Any) -> bool:
    """Return whether a keyword says something beside which values are legal."""
    if (keyword in FLAGS and not value) or (keyword == "$schema" and isinstance(value, str) and value in OWN_DIALECTS):
        return False
    return keyword not in SHAPING or (keyword == "format" and value in HINTS)


def says_something(schema: Any) -> bool:
    """Return whether a schema limits anything, as far as is plain to see."""
    return schema is not True and schema != {}


def is_negation(schema: Any) -> bool:
    """Return whether a schema says `not` and nothing else."""
    return is_object(schema) and set(schema) == {"not"}
