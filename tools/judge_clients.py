"""Judge the clients in conformance/clients, and keep their verdicts as a table in docs/clients.md.

Ours must have no failure. With `--check`, the table is compared with the verdicts of now, and not written. `--node`
names the directory in which npm has installed openai for Node.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from openvideos_conformance._client.judge import judge_client
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue
from openvideos_conformance._core.verdicts import Verdict
from openvideos_conformance._reports.terminal import WORDS, summary

if TYPE_CHECKING:
    from openvideos_conformance._core.run_result import RunResult

ROOT: Final = Path(__file__).parents[1]
PROGRAMS: Final = ROOT / "conformance" / "clients"
PAGE: Final = ROOT / "docs" / "clients.md"
OURS: Final = "openvideos"
BEGIN: Final = "<!-- verdicts: made by `nox -s clients` -->\n"
END: Final = "<!-- end -->\n"


def main(arguments: list[str] | None = None) -> int:
    """Judge all clients; return 1 if the SDK fails, a client cannot be judged, or the page's table is out of date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the page's verdicts are out of date"
    )
    parser.add_argument("--node", type=Path, required=True, help="the directory where npm has installed openai")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="openvideos-clients-") as directory,
        # Most of the time, the clients wait for the pauses that the scenarios demand.
        ThreadPoolExecutor(max_workers=3) as pool,
    ):
        client_commands = commands(options.node, Path(directory))
        waiting = {name: pool.submit(judge_client, each, SCENARIOS.values()) for name, each in client_commands.items()}
        runs: dict[str, RunResult] = {}
        for name, run in waiting.items():
            runs[name] = run.result()
            print(f"{name}\n{summary(runs[name])}", flush=True)
    if any(run.exit_code > 1 for run in runs.values()) or runs[OURS].exit_code:
        return 1
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    made = before + BEGIN + table(runs) + END + rest.partition(END)[2]
    if options.check:
        if made != text:
            print("the verdicts are no longer those of docs/clients.md; run nox -s clients")
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8")
    return 0


def commands(node: Path, scratch: Path) -> dict[str, list[str]]:
    """Return the command of each client by the client's name and version."""
    python = [sys.executable]
    plain = scratch / "plain_client"
    generate = ["-m", "openapi_python_client", "generate", "--meta", "none", "--output-path", str(plain)]
    # The generator warns about what it leaves out, such as the types of downloads.
    subprocess.run([*python, *generate, "--path", str(ROOT / "openapi.yaml")], check=True, capture_output=True)
    # A module finds packages that are installed in its own directory.
    program = Path(shutil.copy(PROGRAMS / "openai_node.mjs", node))
    installed = json.loads((node / "node_modules" / "openai" / "package.json").read_text(encoding="utf-8"))
    generated = [*python, str(PROGRAMS / "generated_client.py")]
    generator = f"openapi-python-client {version('openapi-python-client')}"
    return {
        OURS: [*python, str(PROGRAMS / "openvideos_client.py")],
        f"openai {version('openai')} (PyPI)": [*python, str(PROGRAMS / "openai_client.py")],
        f"openai {installed['version']} (npm)": ["node", str(program)],
        f"{generator}, untouched": [*generated, str(plain)],
        "openvideos_raw": [*generated, str(ROOT / "generated" / "openvideos_raw")],
    }


def table(runs: dict[str, RunResult]) -> str:
    """Return the verdicts as Markdown."""
    lines = ["", f"| requirement | {' | '.join(runs)} |", "|---|" + "---|" * len(runs)]
    for index, each in enumerate(client_catalogue().values()):
        verdicts = [run.results[index].verdict for run in runs.values()]
        cells = [f"**{WORDS[verdict]}**" if verdict is Verdict.FAIL else WORDS[verdict] for verdict in verdicts]
        lines.append(f"| {each.id} {each.statement} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    sys.exit(main())
