"""Derive openapi.form.yaml and openapi.json.yaml from openapi.yaml, for generators that take one media type per body.

Each request body that may be a form or JSON keeps one of the two; all else stays to the letter, for lines are only left
out. The files are not committed: they are made where they are used, so none can be out of date.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
DERIVED: Final = {"openapi.form.yaml": "multipart/form-data", "openapi.json.yaml": "application/json"}
"""The derived files, and the media type that is left in each."""


def main(arguments: list[str] | None = None) -> int:
    """Write both files and name them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "directory", type=Path, nargs="?", default=ROOT / "build" / "contract", help="where (default: build/contract)"
    )
    for path in write(parser.parse_args(arguments).directory):
        print(path)
    return 0


def write(directory: Path) -> list[Path]:
    """Write both files to a directory, which is made if it is missing; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    for name, kept in DERIVED.items():
        directory.joinpath(name).write_text(derive(text, kept), encoding="utf-8", newline="\n")
    return [directory / name for name in DERIVED]


def derive(text: str, kept: str) -> str:
    """Return a contract whose request bodies have no media type beside `kept`, where they have that one."""
    left_out: set[int] = set()
    for content in _contents(yaml.compose(text, yaml.SafeLoader)):
        starts = [key.start_mark.line for key, _ in content.value] + [content.end_mark.line]
        names = [key.value for key, _ in content.value]
        for index, name in enumerate(names):
            if kept in names and name != kept:
                left_out.update(range(starts[index], starts[index + 1]))
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True)) if number not in left_out)


def _contents(document: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Yield the media types of each request body."""
    top = _entries(document)
    bodies = list(_entries(_entries(top.get("components")).get("requestBodies")).values())
    for group in ("paths", "webhooks"):
        for path in _entries(top.get(group)).values():
            bodies += [_entries(operation).get("requestBody") for operation in _entries(path).values()]
    for body in bodies:
        content = _entries(body).get("content")
        if isinstance(content, yaml.MappingNode):
            yield content


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node | None]:
    """Return the values of a mapping by their keys; nothing has none."""
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


if __name__ == "__main__":
    raise SystemExit(main())
