"""Judge the clients in conformance/clients, and keep their verdicts as a table in docs/clients.md.

Ours must have no failure; `--ours` judges no other. With `--check`, the page is compared, and not written. `--node`
names the directory in which npm has installed openai for Node and openapi-fetch; `--python` names one with other
versions of Python clients, each in a directory of its own: `openai`, an old one, and `litellm`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from openvideos_conformance._client.judge import judge_client
from openvideos_conformance._client.parts import is_of_program
from openvideos_conformance._client.rule import GAVE_UP
from openvideos_conformance._client.scenario_run import Options
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue
from openvideos_conformance._core.verdicts import Verdict
from openvideos_conformance._reports.terminal import WORDS, summary

if TYPE_CHECKING:
    from openvideos_conformance._core.run_result import RunResult
    from openvideos_conformance._core.verdicts import Result

ROOT: Final = Path(__file__).parents[1]
PROGRAMS: Final = ROOT / "conformance" / "clients"
PAGE: Final = ROOT / "docs" / "clients.md"
OURS: Final = ("openvideos", "openvideos, download_content")
SCENARIOS_BEGIN: Final = "<!-- scenarios: made by `nox -s clients` -->\n"
BEGIN: Final = "<!-- verdicts: made by `nox -s clients` -->\n"
END: Final = "<!-- end -->\n"


class Candidate(NamedTuple):
    """The command of a client, and the parts of the work that its program does itself."""

    command: list[str]
    own: tuple[str, ...] = ()


def main(arguments: list[str] | None = None) -> int:
    """Judge all clients; return 1 if the SDK fails, a client cannot be judged, or the page's table is out of date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the page's verdicts are out of date"
    )
    parser.add_argument("--ours", action="store_true", help="judge only ours, and compare nothing but the scenarios")
    parser.add_argument("--node", type=Path, help="the directory where npm has installed clients")
    parser.add_argument("--python", type=Path, help="the directory of other versions of Python clients")
    options = parser.parse_args(arguments)
    if not options.ours and None in {options.node, options.python}:
        parser.error("name the directories of the other clients with --node and --python, or judge only --ours")
    with (
        tempfile.TemporaryDirectory(prefix="openvideos-clients-") as directory,
        # Most of the time, the clients wait for the pauses that the scenarios demand.
        ThreadPoolExecutor(max_workers=3) as pool,
    ):
        waiting = {
            name: pool.submit(judge_client, each.command, SCENARIOS.values(), Options(own=each.own, jobs=2))
            for name, each in (
                ours() if options.ours else {**ours(), **candidates(options.node, options.python, Path(directory))}
            ).items()
        }
        runs: dict[str, RunResult] = {}
        for name, run in waiting.items():
            runs[name] = run.result()
            print(f"{name}\n{summary(runs[name])}", flush=True)
    if any(run.exit_code > 1 for run in runs.values()) or any(runs[name].exit_code for name in OURS if name in runs):
        return 1
    text = PAGE.read_text(encoding="utf-8")
    made = filled(text, SCENARIOS_BEGIN, scenarios())
    made = made if options.ours else filled(made, BEGIN, table(runs))
    if options.check:
        if made != text:
            print("the verdicts are no longer those of docs/clients.md; run nox -s clients")
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8")
    return 0


def ours() -> dict[str, Candidate]:
    """Return the SDK, with each of its ways to download."""
    command = [sys.executable, str(PROGRAMS / "openvideos_client.py")]
    return {OURS[0]: Candidate(command), OURS[1]: Candidate([*command, "download_content"])}


def candidates(node: Path, versions: Path, scratch: Path) -> dict[str, Candidate]:
    """Return each other client by its name and version."""
    python = [sys.executable]
    plain = scratch / "plain_client"
    generate = ["-m", "openapi_python_client", "generate", "--meta", "none", "--output-path", str(plain)]
    # The generator warns about what it leaves out, such as the types of downloads.
    subprocess.run([*python, *generate, "--path", str(ROOT / "openapi.yaml")], check=True, capture_output=True)
    # A module finds packages that are installed in its own directory.
    for_node, fetch = (Path(shutil.copy(PROGRAMS / name, node)) for name in ("openai_node.mjs", "openapi_fetch.mjs"))
    of_npm = {
        name: json.loads((node / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"]
        for name in ("openai", "openapi-fetch")
    }
    openai, generated, litellm = (
        [*python, str(PROGRAMS / f"{name}_client.py")] for name in ("openai", "generated", "litellm")
    )
    own_loops = ("polls", "lists", "files")
    new = f"openai {version('openai')} (PyPI)"
    return {
        new: Candidate(openai),
        f"{new}, streaming": Candidate([*openai, "streaming"]),
        f"openai {_version_in(versions / 'openai', 'openai')} (PyPI)": Candidate(
            _with_path(versions / "openai", openai)
        ),
        f"openai {of_npm['openai']} (npm)": Candidate(["node", str(for_node)], ("polls", "files")),
        f"openai {of_npm['openai']} (npm), stream": Candidate(["node", str(for_node), "stream"], ("polls", "files")),
        f"litellm {_version_in(versions / 'litellm', 'litellm')}": Candidate(
            _with_path(versions / "litellm", litellm), own_loops
        ),
        f"openapi-fetch {of_npm['openapi-fetch']} (npm)": Candidate(["node", str(fetch)], own_loops),
        f"openapi-python-client {version('openapi-python-client')}, untouched": Candidate(
            [*generated, str(plain)], own_loops
        ),
        "openvideos_raw": Candidate([*generated, str(ROOT / "generated" / "openvideos_raw")], own_loops),
    }


def _with_path(directory: Path, command: list[str]) -> list[str]:
    """Return a command that finds packages in a directory before those of this environment."""
    return ["env", f"PYTHONPATH={directory}", *command]


def _version_in(directory: Path, package: str) -> str:
    (found,) = distributions(name=package, path=[str(directory)])
    return found.version


def filled(text: str, begin: str, block: str) -> str:
    """Return a page with a block between its marks."""
    before, _, rest = text.partition(begin)
    return before + begin + block + END + rest.partition(END)[2]


def scenarios() -> str:
    """Return the scenarios as Markdown."""
    rows = [f"| `{each.name}` | {each.what} |" for each in SCENARIOS.values()]
    return "\n".join(["", "| scenario | what happens |", "|---|---|", *rows, "", ""])


def table(runs: dict[str, RunResult]) -> str:
    """Return the verdicts as Markdown."""
    lines = ["", f"| requirement | {' | '.join(runs)} |", "|---|" + "---|" * len(runs)]
    for index, each in enumerate(client_catalogue().values()):
        cells = [_cell(run.results[index], str(run.target["own"]).split(", ")) for run in runs.values()]
        lines.append(f"| {each.id} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", ""])


def _cell(result: Result, own: list[str]) -> str:
    """Return a verdict: in parentheses if it is about the program, with a remark if the client gave up."""
    word = "-" if result.verdict is Verdict.NOT_REACHED else WORDS[result.verdict]
    if result.verdict is Verdict.PASS and any(each.message.endswith(GAVE_UP) for each in result.observations):
        word = "pass, gives up"
    if is_of_program(result.requirement.id, [part for part in own if part]):
        word = f"({word})"
    return f"**{word}**" if result.verdict in {Verdict.FAIL, Verdict.WARN} else word


if __name__ == "__main__":
    sys.exit(main())
