"""Write how each server stands to the contract's profiles into the table of docs/servers.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from openvideos_emulator._imitations.servers import IMITATIONS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "servers.md"
BEGIN: Final = "<!-- Begin of the table: python -m openvideos_mutants --imitations --write -->\n"
END: Final = "<!-- End of the table -->\n"


def row(name: str, report: dict[str, Any]) -> str:
    """Return a server's row of the table."""
    imitation = IMITATIONS[name]
    cells = [f"`{name}`", f"{imitation.server}, {imitation.version}"]
    for profile in report["profiles"]:
        verdict = f"{len(profile['failed'])} fail" if profile["failed"] else profile["verdict"]
        cells.append(f"{verdict}; {profile['reason']}" if profile["reason"] else verdict)
    return f"| {' | '.join(cells)} |"


def write_row(name: str, report: dict[str, Any]) -> None:
    """Put a server's row into the table, in place of the one that it has."""
    before, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    table, end, after = rest.partition(END)
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| `")}
    rows[f"`{name}`"] = row(name, report)
    order = [f"`{each}`" for each in IMITATIONS]
    head = ["| `--imitate` | server | core | standard | full |", "|---|---|---|---|---|"]
    lines = [*head, *(rows[each] for each in order if each in rows)]
    PAGE.write_text(before + begin + "\n" + "\n".join(lines) + "\n\n" + end + after, encoding="utf-8")


def imitations_page() -> str:
    """Return docs/imitations.md: each departure of each imitation, with its source."""
    lines = [
        "# Imitations of real servers",
        "",
        "What the [emulator](emulator.md#imitations-of-real-servers) does otherwise than the contract says when it",
        "imitates a server, and how that is known.",
        "`python -m openvideos_mutants --describe > docs/imitations.md` makes this page.",
    ]
    for name, imitation in IMITATIONS.items():
        lines += ["", f"## {imitation.server}", "", f"`--imitate {name}`: {imitation.server}, {imitation.version}.", ""]
        lines += ["| departure | what the server does | known |", "|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.what} | {source.known}: {source.where} |" for each, source in imitation.departures
        ]
    return "\n".join(lines) + "\n"
