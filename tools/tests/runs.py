"""What a run of `tools/regenerate.py` prints and leaves behind, taken apart."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from .edits import Spec, written
from .project import Project

COLUMNS = ["callers", "readers", "change", "generated files", "to decide"]


@dataclass(frozen=True)
class Row:
    """A row of the table: each cell has lines, none for a hyphen."""

    callers: str
    readers: str
    change: list[str]
    files: list[str]
    decisions: list[str]


@dataclass(frozen=True)
class Run:
    """What one run did."""

    code: int
    output: str
    errors: str
    rows: list[Row]
    last_line: str
    touched: set[str]
    """The files below generated/ that git then calls changed."""
    entry: list[str]
    """The lines that stand in the changelog under "API changes"."""
    lines: dict[str, int]
    """How many lines each file has that is named as a place for a decision."""

    @property
    def decisions(self) -> set[str]:
        """What is left to decide, each with its place."""
        return {decision for row in self.rows for decision in row.decisions}


def rows(text: str) -> list[Row]:
    """Return the rows of the table that a run prints."""
    _, has_table, table = text.partition("callers ")
    if not has_table:
        return []
    head, *lines = ("callers " + table).partition("\n\n")[0].splitlines()
    starts = [head.index(column) for column in COLUMNS]
    found: list[list[list[str]]] = []
    for line in lines:
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            found.append([[] for _ in COLUMNS])
        for lines_so_far, cell in zip(found[-1], cells, strict=True):
            lines_so_far.extend([cell] if cell and cell != "-" else [])
    return [
        Row("".join(c) or "-", "".join(r) or "-", change, files, decisions) for c, r, change, files, decisions in found
    ]


def carried_out(
    project: Project, spec: Spec, run: Callable[[Project], subprocess.CompletedProcess[str]] = Project.regenerate
) -> Run:
    """Give the copy a contract, and run the command."""
    (project.root / "openapi.yaml").write_text(written(spec), "utf-8")
    ran = run(project)
    table = rows(ran.stdout)
    status = [line[3:] for line in project.git("status", "--porcelain", "-uall", "generated").splitlines()]
    places = {decision.partition(":")[0] for row in table for decision in row.decisions}
    return Run(
        code=ran.returncode,
        output=ran.stdout,
        errors=ran.stderr,
        rows=table,
        last_line=ran.stdout.rstrip().rpartition("\n")[2],
        touched={path.removeprefix("generated/") for path in status},
        entry=project.read("CHANGELOG.md").partition("### API changes\n\n")[2].partition("\n\n")[0].splitlines(),
        lines={place: len(project.read(place).splitlines()) for place in places},
    )
