"""Compare responses with the contract, by its own schemas."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final, cast

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

URI: Final = "urn:openvideos:contract"
MOST_DIFFERENCES: Final = 5
"""The most differences that are told of one response."""
LONGEST_SAID: Final = 120
"""The longest of a validator's sentences that is told: some repeat a whole value."""


@cache
def contract() -> dict[str, Any]:
    """Return the contract that this package ships."""
    text = files("openvideos").joinpath("openapi.yaml").read_bytes()
    document: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - either is a safe one
    return document


def revision() -> str:
    """Return the revision of the contract."""
    return str(contract()["info"]["version"])


def differences(path: str, status: int, body: Any) -> list[str]:
    """Return how the response to a GET of a path of the contract differs from it; `body` is its JSON.

    Raises:
        KeyError: The contract has no such path.
    """
    responses: dict[str, Any] = contract()["paths"][path]["get"]["responses"]
    response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    if response is None:
        return [f"the contract has no status {status} here"]
    while "$ref" in response:
        response = _at(response["$ref"])
    schema = response["content"]["application/json"]["schema"]
    # A local reference is one into the document, as which the schema has to be read.
    rooted = {"$ref": URI + schema["$ref"]} if "$ref" in schema else schema
    registry: Registry[Any] = Registry()
    registry = registry.with_resource(URI, DRAFT202012.create_resource(contract()))
    validator = cast("Any", Draft202012Validator(rooted, registry=registry))  # its types are partly unknown
    problems = islice(validator.iter_errors(body), MOST_DIFFERENCES + 1)
    told = [f"{problem.json_path.removeprefix('$.')}: {_said(problem)}" for problem in problems]
    return [*told[:MOST_DIFFERENCES], *(["and more"] if len(told) > MOST_DIFFERENCES else [])]


def _said(problem: Any) -> str:
    """Return what a validator says, without a value that is long."""
    message: str = problem.message
    return message if len(message) <= LONGEST_SAID else f"it breaks {problem.validator!r} of the schema"


def _at(address: str) -> Any:
    node: Any = contract()
    for step in address.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node
