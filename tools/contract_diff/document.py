"""Read a contract from a file or from git, and refuse it if it is not OpenAPI 3.0, 3.1 or 3.2.

A contract is a file, or REF:PATH as git names it. Its bytes may be anyone's: what it costs to read them is bounded.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from .reading.faults import DEEPEST, faults, short
from .reading.validity import violations
from .reading.versions import upgraded

WORDS: dict[str, tuple[str, str]] = {
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": ("~|null|Null|NULL|", "~nN\0"),
    "int": ("[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
"""The words of YAML 1.2, OpenAPI's, each with what it begins with: to PyYAML, which reads 1.1, 16:9 is 969."""


def loader(base: Any) -> Any:
    """Return a loader of YAML 1.2."""
    kind: Any = type("Loader", (base,), {"yaml_implicit_resolvers": {"<": base.yaml_implicit_resolvers["<"]}})
    for word, (pattern, begins) in WORDS.items():
        tag = f"tag:yaml.org,2002:{word}"
        kind.add_implicit_resolver(
            tag, re.compile(f"^(?:{pattern})$"), ["" if each == "\0" else each for each in begins]
        )
    kind.add_constructor("tag:yaml.org,2002:int", integer)
    kind.add_constructor("tag:yaml.org,2002:float", real)
    return kind


def integer(_: object, node: yaml.ScalarNode) -> int:
    """Return the integer that a word of YAML 1.2 is."""
    return int(node.value, 0 if node.value[:2] in {"0o", "0x"} else 10)


def real(_: object, node: yaml.ScalarNode) -> float:
    """Return the number that a word of YAML 1.2 is."""
    word = str(node.value)
    return float(word.lower().replace(".inf", "inf").replace(".nan", "nan") if word[-1:].isalpha() else word)


SLOW, FAST = loader(yaml.SafeLoader), loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader))

MOST_BYTES = 20_000_000
MOST_NODES = 2_000_000
"""How many nodes a contract may have, once each alias is what it stands for."""


class InvalidSpecError(Exception):
    """A contract cannot be read, or is not OpenAPI. The message begins with the file and the line."""


def load(name: str, root: Path | None = None) -> dict[str, Any]:
    """Read a contract from a file or from the git repository at `root`, and validate it.

    Raises:
        InvalidSpecError: The contract cannot be read, or is not OpenAPI.
    """
    return parse(name, read(name, root))


def read(name: str, root: Path | None = None) -> str:
    """Return the text of a contract in a file or in the git repository at `root`.

    Raises:
        InvalidSpecError: There is no such text.
    """
    path = Path(name)
    try:
        if path.is_file():
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        else:
            content = from_git(name, root)
        if len(content) > MOST_BYTES:
            raise InvalidSpecError(f"{name}:1: is larger than {MOST_BYTES} bytes, more than is read")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSpecError(f"{name}:1: cannot be read: {problem}") from problem


def from_git(name: str, root: Path | None) -> bytes:
    """Return the content of REF:PATH in git, as far as it is read.

    Raises:
        InvalidSpecError: git has no such file, or is not installed.
    """
    command = ["git", "show", "--end-of-options", name]  # a name may begin with a hyphen
    content, code = b"", 1
    with (
        contextlib.suppress(FileNotFoundError),
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run,
    ):
        content = run.stdout.read(MOST_BYTES + 1) if run.stdout else b""
        if len(content) > MOST_BYTES:
            run.kill()
            return content
        code = run.wait()
    if code:
        raise InvalidSpecError(f"{name}:1: is neither a file nor known to git; name a file, or REF:PATH")
    return content


def parse(name: str, text: str) -> dict[str, Any]:
    """Parse and validate a contract; return it as one of OpenAPI 3.1 if it is one of 3.0.

    Raises:
        InvalidSpecError: The text is not OpenAPI; the message names the line that is wrong.
    """
    node, value = tree_of(name, text)
    spec = document_of(name, value)
    version = version_of(name, spec)
    problem = next(faults(spec), None) or next(violations(spec, version), None)
    if problem:
        what, path = problem
        where = "" if what.startswith(("refers", "the ")) else f"is no OpenAPI {version}: "
        raise InvalidSpecError(f"{name}:{line_of(node, path)}: {where}{what}")
    return upgraded(spec) if version == "3.0" else spec


def version_of(name: str, spec: dict[str, Any]) -> str:
    """Return the version of OpenAPI that a contract names. Raises InvalidSpecError if it is none that is read."""
    said = spec.get("openapi")
    version = ".".join(said.split(".")[:2]) if isinstance(said, str) else None
    if version not in {"3.0", "3.1", "3.2"}:
        found = f"OpenAPI {short(str(said))}" if said is not None else "no OpenAPI document"
        found = f"Swagger {short(str(spec['swagger']))}" if "swagger" in spec else found
        raise InvalidSpecError(f"{name}:1: is {found}; the versions that are read are 3.0, 3.1 and 3.2")
    return version


def tree_of(name: str, text: str) -> tuple[yaml.Node | None, Any]:
    """Return the nodes of a text, which know their lines, and the document that they stand for.

    Raises:
        InvalidSpecError: The text is neither YAML nor JSON, or holds what no contract may.
    """
    text = spaced(text)
    try:
        try:
            return composed(name, text, FAST)
        except yaml.YAMLError:  # the slow loader names the line better
            return composed(name, text, SLOW)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = short(str(getattr(problem, "problem", None) or problem))
        raise InvalidSpecError(f"{name}:{mark.line + 1 if mark else 1}: is no YAML: {what}") from problem
    except RecursionError as problem:
        raise InvalidSpecError(f"{name}:1: is nested too deeply; {DEEPEST} levels are read") from problem
    except (TypeError, ValueError, KeyError, AttributeError) as problem:  # such as `!!bool x`
        raise InvalidSpecError(f"{name}:1: is no YAML: {short(str(problem))}") from problem


def spaced(text: str) -> str:
    """Return a text that YAML takes: it refuses the tabs of JSON, which stand between its words alone."""
    return text.replace("\t", " ") if is_json(text) else text


def is_json(text: str) -> bool:
    """Return whether a text looks like JSON."""
    return text.lstrip().startswith("{")


def composed(name: str, text: str, kind: Any) -> tuple[yaml.Node | None, Any]:
    """Return the nodes of a text, and the document that they stand for.

    Raises:
        yaml.YAMLError: The text is not YAML.
        InvalidSpecError: It holds what no contract may.
    """
    loader = kind(text)
    try:
        node = loader.get_single_node()
        refuse_oddities(name, node)
        value = None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()
    if is_json(text):  # of which YAML reads some numbers otherwise
        with contextlib.suppress(ValueError):
            value = json.loads(text)
    return node, value


def refuse_oddities(name: str, node: yaml.Node | None) -> None:
    """Refuse what YAML allows and no contract may hold. Raises InvalidSpecError with the line.

    Of a key that stands twice one is lost, what holds itself has no end, and aliases can stand for more than fits into
    any memory.
    """
    sizes: dict[int, int] = {}
    trail: list[int] = []

    def size(node: yaml.Node) -> int:
        place = f"{name}:{node.start_mark.line + 1}"
        if id(node) in trail:
            raise InvalidSpecError(f"{place}: holds itself, by an anchor and its alias")
        if id(node) not in sizes:
            if len(trail) > DEEPEST:
                raise InvalidSpecError(f"{place}: is nested too deeply; {DEEPEST} levels are read")
            trail.append(id(node))
            sizes[id(node)] = 1 + sum(map(size, below(name, node)))
            trail.pop()
            if sizes[id(node)] > MOST_NODES:
                raise InvalidSpecError(f"{place}: stands for more than {MOST_NODES} nodes, by its aliases")
        return sizes[id(node)]

    if node is not None:
        size(node)


def below(name: str, node: yaml.Node) -> list[yaml.Node]:
    """Return the nodes that a node holds. Raises InvalidSpecError if it has a key twice."""
    if not isinstance(node, yaml.MappingNode):
        return node.value if isinstance(node, yaml.SequenceNode) else []
    seen: set[str] = set()
    for key, _ in node.value:
        word = str(key.value)
        if word in seen:
            line = key.start_mark.line + 1
            raise InvalidSpecError(f"{name}:{line}: the key {short(word)} stands here a second time; keep one")
        seen.add(word)
    return [value for _, value in node.value]


def document_of(name: str, value: Any) -> dict[str, Any]:
    """Return a document as JSON has it, whose keys are strings. Raises InvalidSpecError if JSON cannot say it."""
    if not isinstance(value, dict):
        raise InvalidSpecError(f"{name}:1: is no OpenAPI document, which is an object")
    try:
        text = json.dumps(value, default=str, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise InvalidSpecError(f"{name}:1: holds what JSON cannot say: {short(str(problem))}") from problem
    return cast("dict[str, Any]", json.loads(text))


def line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """Return the line of what a path leads to, or of the last thing on the way that there is."""
    line = 1
    for step in path:
        found: tuple[int, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(
                ((key.start_mark.line + 1, value) for key, value in node.value if key.value == str(step)), None
            )
        elif isinstance(node, yaml.SequenceNode) and str(step).isdecimal() and int(step) < len(node.value):
            found = (node.value[int(step)].start_mark.line + 1, node.value[int(step)])
        if found is None:
            break
        line, node = found
    return line


def lines_of(name: str, text: str) -> Callable[[Sequence[str]], int]:
    """Return what tells the line of a path in a text. Raises InvalidSpecError as `parse` does."""
    node, _ = tree_of(name, text)
    return lambda path: line_of(node, path)
