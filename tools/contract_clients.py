"""Generate clients from the contract as authors of other languages do, compile them, and use them on an emulator.

`nox -s contract_clients` runs this. What each generator needs stands beside its command, in `generate`. The clients are
those of conformance/clients/typescript, and models of pydantic; nothing of what is generated is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import derive_contract
import yaml
from demo import DemoError, emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = ROOT / "conformance" / "clients" / "typescript"
STEPS: Final = ["created", "ended", "listed", "downloaded", "deleted", "refused"]
"""The first words of what each program prints, a line for each step."""
ENDS: Final = ["ended completed", "refused 404 not_found"]
"""What it prints of its job, and of the error for a video that it has deleted."""
UNKNOWN: Final = {"status": "rendering", "model": "of-tomorrow", "of_tomorrow": {"nested": [1, None]}}
"""Words and a field that the contract does not have, and that it leaves open."""
PATIENCE_S: Final = 300


class ContractClientError(Exception):
    """A client cannot be generated, compiled or used. The message says which, and why."""


def main(arguments: list[str] | None = None) -> int:
    """Generate, compile and use all clients; return 1 if that fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--directory", type=Path, required=True, help="where to generate; it must not exist")
    directory: Path = parser.parse_args(arguments).directory.absolute()
    if directory.exists():
        parser.error(f"{directory} exists already; remove it, or name another")
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    try:
        shutil.copytree(PROGRAMS, directory)
        generate(directory, [tag["name"] for tag in contract["tags"]])
        read_examples(directory / "generated", contract)
        run(directory, "tsc")
        for program in sorted(directory.glob("*.ts")):
            use(directory, program.stem)
    except (ContractClientError, DemoError) as problem:
        print(f"contract_clients: {problem}", file=sys.stderr)
        return 1
    return 0


def generate(directory: Path, tags: list[str]) -> None:
    """Generate each client from the contract, or from that of the derived files which its generator can take."""
    source, (form, alone) = str(ROOT / "openapi.yaml"), map(str, derive_contract.write(directory / "contract"))
    generated = directory / "generated"
    generated.mkdir()
    run(directory, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund")
    run(directory, "openapi-typescript", source, "--output", str(generated / "openapi_typescript.ts"))
    # Of two media types it takes JSON, and leaves the form out without a word.
    run(directory, "openapi-ts", "--input", form, "--output", str(generated / "hey_api"), "--no-log-file")
    # The wrapper on npm fetches the generator from elsewhere; that on PyPI brings it, and its Java.
    run(
        *(directory, "openapi-generator-cli", "generate", "--generator-name", "typescript-fetch"),
        # As a form it would send fields whose `$ref` has other keywords beside it as files of JSON.
        *("--input-spec", alone, "--output", str(generated / "openapi_generator")),
        *("--additional-properties", "importFileExtension=.js"),
        # What it makes of webhooks, which have no tag, does not compile.
        *("--openapi-normalizer", f"FILTER=tag:{'|'.join(tags)}"),
        *("--global-property", "apis,models,supportingFiles,apiDocs=false,modelDocs=false"),
    )
    run(
        *(directory, "datamodel-codegen", "--input", source, "--input-file-type", "openapi"),
        *("--output", str(generated / "contract_models.py"), "--output-model-type", "pydantic_v2.BaseModel"),
        *("--extra-fields", "allow", "--formatters", "builtin", "--target-python-version", "3.11"),
    )


def run(directory: Path, name: str, *arguments: str, **environment: str) -> str:
    """Run a tool in the directory, one that npm has installed there or of this environment; return what it prints.

    Raises:
        ContractClientError: The tool is not installed, fails, or takes too long.
    """
    places = [str(directory / "node_modules" / ".bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    command = shutil.which(name, path=os.pathsep.join(places))
    if command is None:
        raise ContractClientError(f"{name} is not installed; run `nox -s contract_clients`, which installs it")
    print(name, *arguments, flush=True)
    try:
        result = subprocess.run(
            [command, *arguments],
            cwd=directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_S,
            check=True,
        )
    except subprocess.SubprocessError as problem:  # it names the command, and how it ended
        said = f"{getattr(problem, 'stdout', '')}{getattr(problem, 'stderr', '')}"
        raise ContractClientError(f"{problem} It said:\n{said}") from problem
    return result.stdout


def read_examples(generated: Path, contract: dict[str, Any]) -> None:
    """Read the contract's examples by the generated models, as they are, and with unknown words and fields.

    Raises:
        ContractClientError: A model cannot read an example, or does not give back what it has read.
    """
    sys.path.insert(0, str(generated))
    models = import_module("contract_models")
    count = 0
    for name, model, value in readable(contract):
        try:
            told = getattr(models, model).model_validate_json(json.dumps(value)).model_dump(exclude_unset=True)
        except ValueError as problem:  # as all of pydantic's
            raise ContractClientError(f"the model {model} cannot read the example {name}: {problem}") from problem
        if told != value:
            raise ContractClientError(f"the model {model} reads the example {name} as {told}, which is {value}")
        count += 1
    print(f"contract_models has read {count} examples", flush=True)


def readable(contract: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each example of a component, with its name and its schema's; a video also with what is unknown."""
    for name, example in contract["components"]["examples"].items():
        value = example["value"]
        yield name, value["object"].capitalize(), value
        if value["object"] == "video":
            yield f"{name} with unknown words and fields", "Video", value | UNKNOWN


def use(directory: Path, program: str) -> None:
    """Run the program of a client against an emulator of its own.

    Raises:
        ContractClientError: The program fails, leaves out a step, or saves no MP4.
    """
    output = directory / "output" / program
    output.mkdir(parents=True)
    key = f"sk-contract-{secrets.token_hex(8)}"
    with emulator(key) as base_url:
        printed = run(
            *(directory, "node", f"built/{program}.js"),
            OPENVIDEOS_PROMPT="A serene sunset over mountains",
            OPENVIDEOS_SIZE="64x48",
            OPENVIDEOS_SECONDS="1",
            OPENVIDEOS_BASE_URL=base_url,
            OPENVIDEOS_API_KEY=key,
            OPENVIDEOS_OUTPUT=str(output),
            NO_PROXY="127.0.0.1",
        )
    print(printed, end="", flush=True)
    if problem := problem_of(printed, output / "video.mp4"):
        raise ContractClientError(f"{program}.ts {problem}")


def problem_of(printed: str, video: Path) -> str | None:
    """Return what is wrong with what a program has printed and saved, if anything is."""
    lines = printed.splitlines()
    steps = [line.partition(" ")[0] for line in lines]
    if steps != STEPS:
        return f"went through the steps {', '.join(steps)}; they should be {', '.join(STEPS)}"
    ends = [lines[STEPS.index("ended")], lines[STEPS.index("refused")]]
    if ends != ENDS:
        return f"has seen {', '.join(ends)}; it should be {', '.join(ENDS)}"
    if not video.is_file() or video.read_bytes()[4:8] != b"ftyp":
        return f"has saved no MP4 as {video}"
    return None


if __name__ == "__main__":
    sys.exit(main())
