"""Judge the clients in conformance/clients, and keep their verdicts as a table in docs/clients.md.

Ours must have no failure. With `--check`, the table is compared with the verdicts of now, and not written.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from openvideos_conformance._catalogue import client_catalogue
from openvideos_conformance._client_run import judge_client
from openvideos_conformance._client_scenarios import SCENARIOS
from openvideos_conformance._report_terminal import WORDS, summary
from openvideos_conformance._verdicts import Verdict

if TYPE_CHECKING:
    from openvideos_conformance._run import Run

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "clients.md"
CLIENTS: Final = {"openvideos": "openvideos_client.py", "openai": "openai_client.py"}
BEGIN: Final = "<!-- verdicts: made by `nox -s clients` -->\n"
END: Final = "<!-- end -->\n"


def main() -> int:
    """Judge them all; return 1 if ours has a failure, one could not be judged, or the table differs from the page's."""
    runs: dict[str, Run] = {}
    for name, program in CLIENTS.items():
        print(named(name), flush=True)
        path = ROOT / "conformance" / "clients" / program
        runs[name] = judge_client([sys.executable, str(path)], SCENARIOS.values())
        print(summary(runs[name]), flush=True)
    if any(run.exit_code > 1 for run in runs.values()) or runs["openvideos"].exit_code:
        return 1
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    made = before + BEGIN + table(runs) + END + rest.partition(END)[2]
    if "--check" in sys.argv[1:]:
        if made != text:
            print("the verdicts are no longer those of docs/clients.md; run nox -s clients")
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8")
    return 0


def named(name: str) -> str:
    """Return a client with its version; ours is that of this repository."""
    return name if name == "openvideos" else f"{name} {version(name)} (PyPI)"


def table(runs: dict[str, Run]) -> str:
    """Return the verdicts as Markdown."""
    head = " | ".join(named(name) for name in runs)
    lines = ["", f"| requirement | {head} |", "|---|" + "---|" * len(runs)]
    for index, each in enumerate(client_catalogue().values()):
        verdicts = [run.results[index].verdict for run in runs.values()]
        cells = [f"**{WORDS[verdict]}**" if verdict is Verdict.FAIL else WORDS[verdict] for verdict in verdicts]
        lines.append(f"| {each.id} {each.statement} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    sys.exit(main())
