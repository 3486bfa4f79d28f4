"""Read a contract from a file or from git, and refuse it if it is not OpenAPI 3.1.

A contract is a file, or REF:PATH as git names it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, cast

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from .model import is_array, is_object


class InvalidSpecError(Exception):
    """A contract cannot be read, or is not OpenAPI 3.1. The message begins with the file and the line."""


def load(name: str, root: Path | None = None) -> dict[str, Any]:
    """Read a contract from a file or from the git repository at `root`, and validate it.

    Raises:
        InvalidSpecError: The contract cannot be read, or is not OpenAPI 3.1.
    """
    try:
        text = Path(name).read_text("utf-8") if Path(name).exists() else from_git(name, root)
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSpecError(f"{name}:1: cannot be read: {problem}") from problem
    return parse(name, text)


def from_git(name: str, root: Path | None) -> str:
    """Return the text of REF:PATH in git.

    Raises:
        InvalidSpecError: git has no such file.
    """
    command = ["git", "show", name]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode:
        raise InvalidSpecError(f"{name}:1: is neither a file nor known to git; name a file, or REF:PATH")
    return run.stdout


def parse(name: str, text: str) -> dict[str, Any]:
    """Parse and validate a contract.

    Raises:
        InvalidSpecError: The text is not OpenAPI 3.1; the message names the line that is wrong.
    """
    try:
        try:
            node, document = composed(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError:  # the slow loader names the line better
            node, document = composed(text, yaml.SafeLoader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise InvalidSpecError(f"{name}:{line}: is no YAML: {getattr(problem, 'problem', problem)}") from problem
    if not is_object(document):
        raise InvalidSpecError(f"{name}:1: is no OpenAPI document, which is an object")
    refuse_oddities(name, node)
    spec = cast("dict[str, Any]", json.loads(json.dumps(document, default=str)))  # JSON's keys are strings
    try:
        errors = list(OpenAPIV31SpecValidator(spec).iter_errors())
    except Exception as problem:  # the validator raises many kinds, for example for a reference to nowhere
        line = dangling(text, str(problem))
        raise InvalidSpecError(f"{name}:{line}: is no OpenAPI 3.1: {problem}") from problem
    if errors:
        path = located(spec, list(errors[0].absolute_path), errors[0].instance)
        raise InvalidSpecError(f"{name}:{line_of(node, path)}: is no OpenAPI 3.1: {errors[0].message[:300]}")
    return spec


def composed(text: str, kind: Any) -> tuple[yaml.Node | None, Any]:
    """Return the nodes of a YAML text, which know their lines, and the document that they stand for.

    Raises:
        yaml.YAMLError: The text is not YAML.
    """
    loader = kind(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def refuse_oddities(name: str, node: yaml.Node | None, trail: tuple[yaml.Node, ...] = ()) -> None:
    """Refuse what YAML allows and no contract may hold. Raises InvalidSpecError with the line.

    Of a key that stands twice one is lost, another document is not read, and what holds itself has no end.
    """
    if node is None:
        return
    place = f"{name}:{node.start_mark.line + 1}"
    if node in trail:
        raise InvalidSpecError(f"{place}: holds itself, by an anchor and its alias")
    below: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here, word = f"{name}:{key.start_mark.line + 1}", str(key.value)
            if word in seen:
                raise InvalidSpecError(f"{here}: the key {word} stands here a second time; keep one")
            seen.add(word)
            if word == "$ref" and isinstance(value, yaml.ScalarNode) and not value.value.startswith("#/"):
                raise InvalidSpecError(f"{here}: refers to another document, which is not read: {value.value}")
            below.append(value)
    for each in below:
        refuse_oddities(name, each, (*trail, node))


def located(spec: Any, path: list[Any], instance: Any) -> list[str | int]:
    """Return the path to the wrong value from the top; for some errors, the validator gives it relative to a schema."""
    nodes: list[tuple[list[str | int], Any]] = [([], spec)]
    for here, node in nodes:
        target = node
        for step in path:
            if is_object(target):
                target = target.get(str(step))
            elif is_array(target) and isinstance(step, int) and step < len(target):
                target = target[step]
            else:
                target = None
        if target == instance:
            return [*here, *path]
        below = node.items() if is_object(node) else enumerate(node) if is_array(node) else ()
        nodes.extend(([*here, key], value) for key, value in below)
    return path


def dangling(text: str, message: str) -> int:
    """Return the line of the reference that a message quotes, 1 if it quotes none."""
    for number, line in enumerate(text.splitlines(), 1):
        _, found, reference = line.partition("$ref:")
        if found and reference.strip(" '\"").rpartition("/")[2] in message:
            return number
    return 1


def line_of(node: yaml.Node | None, path: list[str | int]) -> int:
    """Return the line of what a path leads to, or of the last thing on the way that there is."""
    line = 1
    for step in path:
        found: tuple[int, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(
                ((key.start_mark.line + 1, value) for key, value in node.value if key.value == str(step)), None
            )
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = (node.value[step].start_mark.line + 1, node.value[step])
        if found is None:
            break
        line, node = found
    return line
