"""Tell in a sentence, and with its place, where a contract breaks OpenAPI; openapi-spec-validator judges it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema import exceptions
from jsonschema.exceptions import ValidationError
from jsonschema.validators import validator_for
from openapi_schema_validator import OAS30Validator, OAS31Validator, OAS32Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, OpenAPIV32SpecValidator
from openapi_spec_validator import schemas as document_schemas
from openapi_spec_validator.validation.exceptions import ExtraParametersError

from ..model import Path
from .faults import Fault, objects, short

DOCUMENTS: Any = document_schemas
ERRORS: Any = exceptions
"""Two modules that are typed in part."""
JUDGES: dict[str, tuple[Any, Any, Any]] = {
    "3.0": (OpenAPIV30SpecValidator, DOCUMENTS.schema_v30, OAS30Validator),
    "3.1": (OpenAPIV31SpecValidator, DOCUMENTS.schema_v31, OAS31Validator),
    "3.2": (OpenAPIV32SpecValidator, DOCUMENTS.schema_v32, OAS32Validator),
}
"""What judges a contract of each version, the schema of its documents, and what judges its schemas."""


def violations(spec: dict[str, Any], version: str) -> Iterator[Fault]:
    """Yield where a contract breaks its version of OpenAPI, the one that tells most first."""
    judge, document_schema, schema_judge = JUDGES[version]
    try:
        errors = [each for each in judge(spec).iter_errors() if not isinstance(each, ExtraParametersError)]
    except Exception:  # noqa: BLE001 - it raises many kinds for what it does not know, such as a reference to an anchor
        errors = None
    if errors == []:
        return
    whole: Any = validator_for(dict(document_schema))(dict(document_schema))
    yield from told(whole.iter_errors(spec), ())
    for path, schema in schemas(spec):
        yield from told(meta_errors(schema_judge, schema), path)
    for error in errors or ():
        yield short_message(error), place_of(spec, error)


def meta_errors(judge: Any, schema: Any) -> Iterable[ValidationError]:
    """Return where a schema breaks the schema of schemas."""
    try:
        judge.check_schema(schema)
    except ValidationError as error:
        return [error]
    except Exception as problem:
        if (cause := getattr(problem, "message", None)) is None:
            raise
        return [ValidationError(cause, path=getattr(problem, "path", ()), instance=getattr(problem, "instance", None))]
    return []


def told(errors: Iterable[ValidationError], path: Path) -> Iterator[Fault]:
    """Yield the error that tells most, as a sentence."""
    error: ValidationError | None = ERRORS.best_match(errors)
    if error is not None:
        yield short_message(error), (*path, *map(str, error.absolute_path))


def short_message(error: ValidationError) -> str:
    """Return what an error says, without all of what it is about."""
    value = repr(error.instance)
    return short(error.message.replace(value, short(value)) if len(value) > len(short(value)) else error.message)


def schemas(spec: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield the schemas that are in no other one, and where they are."""
    for name, schema in spec.get("components", {}).get("schemas", {}).items():
        yield ("components", "schemas", name), schema
    for path, node in objects(spec):
        for key in ("schema", "itemSchema"):
            if key in node:
                yield (*path, key), node[key]


def place_of(spec: dict[str, Any], error: ValidationError) -> Path:
    """Return the place of an error that the validator tells without one."""
    for name in spec.get("paths", {}):
        if f"'{name}'" in error.message:
            return ("paths", name)
    for path, node in objects(spec):
        if "default" in node and node["default"] == error.instance:
            return (*path, "default")
    return ("tags",) if "tag" in error.message.lower() else ()
