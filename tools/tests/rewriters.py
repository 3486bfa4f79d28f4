"""Ways to write a contract otherwise that change nothing of what it means."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from contract_diff.model import METHODS, found, reference_of, steps
from contract_diff.reading.faults import objects

Spec = dict[str, Any]
Schema = dict[str, Any]
Rewriter = Callable[[Spec, int], None]
"""What rewrites a contract in place, at the place that a number chooses among those that it can."""

SCALAR = ("string", "integer", "number", "boolean")
SCHEMAS = "components", "schemas"


def slots(spec: Spec) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list, and its key, that holds a schema as a whole."""
    for path, node in objects(spec):
        if "schema" in node and ("content" in path[-2:-1] or "in" in node or path[-2:-1] == ("headers",)):
            yield node, "schema"
        if path[:2] == SCHEMAS or "schema" in path:
            for key in ("properties", "patternProperties"):
                yield from ((node[key], name) for name in node.get(key, {}))
            for key in ("anyOf", "allOf", "oneOf"):
                yield from ((node[key], index) for index in range(len(node.get(key, []))))
            yield from ((node, key) for key in ("items",) if key in node)
    yield from ((spec["components"]["schemas"], name) for name in spec["components"]["schemas"])


def at(spec: Spec, number: int, is_fit: Callable[[Schema], bool]) -> Iterator[tuple[Any, Any, Schema]]:
    """Yield the place that a number chooses among the schemas that fit, with the schema; nothing if none does."""
    fitting = [(holder, key) for holder, key in slots(spec) if isinstance(holder[key], dict) and is_fit(holder[key])]
    if fitting:
        holder, key = fitting[number % len(fitting)]
        yield holder, key, holder[key]


def null_by_union(spec: Spec, number: int) -> None:
    """Write `type: [string, "null"]` as `anyOf` with null."""
    for _, _, schema in at(spec, number, lambda schema: isinstance(schema.get("type"), list) and "enum" not in schema):
        types = schema.pop("type")
        words = {key: schema.pop(key) for key in list(schema) if key in {"description", "examples"} or key[:2] == "x-"}
        inner = {key: schema.pop(key) for key in list(schema)}
        schema.update(
            {**words, "anyOf": [{"type": each, **inner} for each in types if each != "null"] + [{"type": "null"}]}
        )


def null_by_type(spec: Spec, number: int) -> None:
    """Write `anyOf` with null as a type."""

    def is_fit(schema: Schema) -> bool:
        return {"type": "null"} in schema.get("anyOf", ()) and len(schema["anyOf"]) == len((1, 2))

    for _, _, schema in at(spec, number, is_fit):
        [inner] = [each for each in schema.pop("anyOf") if each != {"type": "null"}]
        target = copy.deepcopy(found(spec, steps(reference)) if (reference := reference_of(inner)) else inner)
        if isinstance(target.get("type"), str) and "enum" not in target and "const" not in target:
            schema.update({**target, **schema, "type": [target["type"], "null"]})
        else:
            schema["oneOf"] = [{"type": "null"}, inner]


def wrapped(word: str) -> Rewriter:
    """Return what puts a schema into a combination of one."""

    def rewrite(spec: Spec, number: int) -> None:
        for holder, key, schema in at(spec, number, lambda schema: "x-recommended" not in schema):
            holder[key] = {word: [schema]}

    rewrite.__name__ = f"wrapped in {word}"
    return rewrite


def with_nothing(spec: Spec, number: int) -> None:
    """Add keywords that limit nothing."""
    nothing: list[Schema] = [
        *({"minLength": 0}, {"uniqueItems": False}, {"minItems": 0}, {"minProperties": 0}, {"deprecated": False}),
        *(
            {"propertyNames": {}},
            {"if": {"type": "string"}},
            {"then": False},
            {"dependentRequired": {}},
            {"not": False},
        ),
        *({"dependentSchemas": {"x": True}}, {"patternProperties": {}}, {"items": True}, {"readOnly": False}),
        *({"contains": {"type": "string"}, "minContains": 0}, {"allOf": [{}]}, {"anyOf": [True, {"minLength": 3}]}),
        *({"required": []}, {"unevaluatedItems": {}}, {"prefixItems": [{}]}, {"not": {"not": {}}}),
    ]
    more = nothing[number % len(nothing)]
    for holder, key, schema in at(spec, number // len(nothing), lambda schema: not schema.keys() & {*more}):
        holder[key] = {**schema, **more}


def open_in_words(spec: Spec, number: int) -> None:
    """Say that other properties are legal."""
    fit = {"additionalProperties", "unevaluatedProperties"}
    anything: list[Any] = [{}, True]
    ways: list[Schema] = [{each: value} for each in fit for value in anything]
    for _, _, schema in at(spec, number, lambda schema: schema.get("type") == "object" and not schema.keys() & fit):
        schema.update(ways[number % len(ways)])


def closed_otherwise(spec: Spec, number: int) -> None:
    """Close an object by `unevaluatedProperties`, or by a schema that nothing fits."""
    for _, _, schema in at(spec, number, lambda schema: schema.get("additionalProperties") is False):
        del schema["additionalProperties"]
        keyword = ("unevaluatedProperties", "additionalProperties")[number % 2]
        schema[keyword] = (False, {"not": {}}, {"not": True})[number % 3]


def split(spec: Spec, number: int) -> None:
    """Write an object as `allOf` of two."""
    for _, _, schema in at(
        spec, number, lambda schema: len(schema.get("properties", ())) > 1 and "allOf" not in schema
    ):
        names = list(schema["properties"])
        some, others = schema.pop("properties"), {}
        for name in names[: 1 + number % (len(names) - 1)]:
            others[name] = some.pop(name)
        schema["allOf"] = [{"properties": some}, {"type": "object", "properties": others}]
        if "additionalProperties" in schema:
            schema["unevaluatedProperties"] = schema.pop("additionalProperties")


def values_otherwise(spec: Spec, number: int) -> None:
    """Write `const` as `enum`, `enum` in another order and without its type."""
    for _, _, schema in at(spec, number, lambda schema: bool({"const", "enum"} & {*schema})):
        if "const" in schema:
            schema["enum"] = [schema.pop("const")]
        schema["enum"] = schema["enum"][::-1]
        schema.pop("type", None)


def values_by_branches(spec: Spec, number: int) -> None:
    """Write `enum` as a union of one branch for each value."""
    for _, _, schema in at(spec, number, lambda schema: len(schema.get("enum", ())) > 1 and "anyOf" not in schema):
        schema["anyOf"] = [{"const": value} for value in schema.pop("enum")]


def numbers_otherwise(spec: Spec, number: int) -> None:
    """Write `integer` as a `number` of steps of 1, its bounds as excluded ones, and whole numbers with a fraction."""
    for _, _, schema in at(spec, number, lambda schema: schema.get("type") == "integer"):
        schema.update({"type": "number", "multipleOf": 1.0})
        if "minimum" in schema:
            schema["exclusiveMinimum"] = schema.pop("minimum") - (1 if number % 2 else 0.5)
        if "maximum" in schema:
            schema["maximum"] = float(schema["maximum"])


def beside_the_point(spec: Spec, number: int) -> None:
    """Limit values of a type that is not legal."""
    more: list[Schema] = [{"minimum": 3}, {"required": ["x"]}, {"maxItems": 1}, {"properties": {"x": False}}]
    for _, _, schema in at(spec, number, lambda schema: schema.get("type") == "string"):
        schema.update(more[number % len(more)])


def inlined(spec: Spec, number: int) -> None:
    """Write what a schema refers to in its place."""
    for holder, key, schema in at(spec, number, lambda schema: "$ref" in schema):
        target = found(spec, steps(str(reference_of(schema))))
        holder[key] = {**copy.deepcopy(target), **{word: schema[word] for word in schema if word != "$ref"}}


def extracted(spec: Spec, number: int) -> None:
    """Give a schema a name, and refer to it."""
    name = f"Extracted{number % 7}"
    if name not in spec["components"]["schemas"]:
        for holder, key, schema in at(spec, number, lambda schema: "$ref" not in schema):
            if holder is not spec["components"]["schemas"]:
                spec["components"]["schemas"][name] = schema
                holder[key] = {"$ref": f"#/components/schemas/{name.replace('E', ('E', '%45')[number % 2])}"}


def defined(spec: Spec, number: int) -> None:
    """Move a schema to `$defs` of a component, where it is found by its pointer or its anchor."""
    home = spec["components"]["schemas"].setdefault("Home", {"$defs": {}})
    name = f"defined{number % 7}"
    if name not in home["$defs"]:
        for holder, key, schema in at(spec, number, lambda schema: "$ref" not in schema):
            if holder is not spec["components"]["schemas"]:
                home["$defs"][name] = {**schema, "$anchor": name}
                holder[key] = {"$ref": f"#{name}" if number % 2 else f"#/components/schemas/Home/$defs/{name}"}


def renamed(spec: Spec, number: int) -> None:
    """Give a component another name."""
    kind = [each for each in spec["components"] if each != "securitySchemes"][number % (len(spec["components"]) - 1)]
    old = list(spec["components"][kind])[number % len(spec["components"][kind])]
    new = f"{old}Renamed"
    spec["components"][kind][new] = spec["components"][kind].pop(old)
    for _, node in objects(spec):
        if node.get("$ref") == f"#/components/{kind}/{old}":
            node["$ref"] = f"#/components/{kind}/{new}"


def scheme_renamed(spec: Spec, number: int) -> None:
    """Give a security scheme another name."""
    schemes = spec["components"]["securitySchemes"]
    old = list(schemes)[number % len(schemes)]
    new = f"{old}{number % 3}"
    schemes[new] = schemes.pop(old)
    holders = [spec, *(node for _, node in objects(spec) if isinstance(node.get("security"), list))]
    for holder in {id(each): each for each in holders}.values():
        holder["security"] = [{new if name == old else name: way[name] for name in way} for way in holder["security"]]


def security_said_once(spec: Spec, number: int) -> None:
    """Leave out the security of an operation that is that of the contract."""
    for operation in choose(number, operations(spec)):
        if operation.get("security") == spec["security"]:
            del operation["security"]


def path_as_component(spec: Spec, number: int) -> None:
    """Move a path to `components.pathItems`."""
    section = ("paths", "webhooks")[number % 2]
    for path in choose(number, list(spec[section])):
        item = spec[section][path]
        name = f"Item{number % 97}"
        if "$ref" not in item and name not in spec["components"].setdefault("pathItems", {}):
            spec["components"]["pathItems"][name] = item
            spec[section][path] = {"$ref": f"#/components/pathItems/{name}"}


def parameters_lifted(spec: Spec, number: int) -> None:
    """Move the parameters of the one operation of a path to the path."""
    items = [item for item in spec["paths"].values() if len([each for each in item if each in METHODS]) == 1]
    for item in choose(number, items):
        [operation] = [item[method] for method in METHODS if method in item]
        item["parameters"] = [*item.get("parameters", []), *operation.pop("parameters", [])]


def defaults_of_parameters(spec: Spec, number: int) -> None:
    """Write the defaults of a parameter, and what makes no difference to a scalar."""
    parameters = [node for path, node in objects(spec) if "parameters" in path[-2:] and "in" in node]
    for parameter in choose(number, parameters):
        style = {"query": "form", "path": "simple", "header": "simple"}[parameter["in"]]
        parameter |= {"style": style, "deprecated": False}
        if parameter["in"] == "query":
            parameter["allowReserved"] = False
        parameter.setdefault("required", False)
        if parameter["schema"].get("type") in SCALAR:
            parameter["explode"] = bool(number % 2)


def defaults_of_fields(spec: Spec, number: int) -> None:
    """Write how the fields of a form are written anyway."""
    contents = [node["content"] for _, node in objects(spec) if isinstance(node.get("content"), dict)]
    for form in choose(
        number, [content["multipart/form-data"] for content in contents if "multipart/form-data" in content]
    ):
        schema = found(spec, steps(reference)) if (reference := reference_of(form["schema"])) else form["schema"]
        for name, field in schema.get("properties", {}).items():
            if field.get("type") in {"string", "integer"}:
                is_file = field.get("format") == "binary"
                kind = "application/octet-stream" if is_file else "text/plain"
                form.setdefault("encoding", {})[name] = {"contentType": kind, "style": "form", "explode": True}


def names_of_headers(spec: Spec, number: int) -> None:
    """Write the names of headers and media types in capitals."""
    for holder in choose(number, [node for _, node in objects(spec) if node.keys() & {"headers", "content"}]):
        for key, change in (("headers", str.upper), ("content", str.title)):
            if isinstance(holder.get(key), dict) and holder is not spec["components"]:
                holder[key] = {change(name): each for name, each in holder[key].items()}


def order_of_keys(spec: Spec, number: int) -> None:
    """Turn the order of keys, of what is required and of branches round."""
    for node in choose(number, [node for _, node in objects(spec) if len(node) > 1]):
        items = [*node.items()]
        node.clear()
        node.update(reversed(items))
        for key in ("required", "anyOf", "tags", "x-recommended"):
            if isinstance(node.get(key), list) and not (key == "tags" and len(node[key]) > 1):
                node[key] = node[key][::-1]


def operations(spec: Spec) -> list[dict[str, Any]]:
    """Return the operations that stand in the paths themselves."""
    return [item[method] for item in spec["paths"].values() for method in METHODS if method in item]


def choose(number: int, some: list[Any]) -> list[Any]:
    """Return the one that a number chooses; nothing of nothing."""
    return [some[number % len(some)]] if some else []


REWRITERS: list[Rewriter] = [
    *(null_by_union, null_by_type, wrapped("allOf"), wrapped("anyOf"), wrapped("oneOf"), with_nothing, open_in_words),
    *(closed_otherwise, split, values_otherwise, values_by_branches, numbers_otherwise, beside_the_point, inlined),
    *(extracted, defined, renamed, scheme_renamed, security_said_once, path_as_component, parameters_lifted),
    *(defaults_of_parameters, defaults_of_fields, names_of_headers, order_of_keys),
]


def rewritten(spec: Spec, ways: list[tuple[Rewriter, int]]) -> Spec:
    """Return a contract, written otherwise in several ways."""
    done = copy.deepcopy(spec)
    for rewrite, number in ways:
        rewrite(done, number)
    return done
