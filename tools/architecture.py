"""Hold the architecture as one table, and write it into docs/architecture.md.

A room is a folder of a package, or some modules at its root that belong together. The rooms of a package stand from top
to bottom, and each may import those that it names, which are all below it. tools/tests/test_architecture.py reads the
imports and fails on any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "architecture.md"
BEGIN: Final = "<!-- Begin of the table: python tools/architecture.py -->\n"
END: Final = "<!-- End of the table -->\n"

PACKAGES: Final = {
    "openvideos_mutants": "conformance/openvideos_mutants",
    "openvideos_conformance": "conformance/openvideos_conformance",
    "openvideos_emulator": "conformance/openvideos_emulator",
    "openvideos": "overlay/openvideos",
    "openvideos_raw": "generated/openvideos_raw",
    "contract_diff": "tools/contract_diff",
}
"""The packages from top to bottom, each with its directory."""


@dataclass(frozen=True)
class Room:
    """A room of a package. `modules` are its modules at the package's root, none for a folder or a whole package.

    `may_import` names rooms of the same package, and other packages, whose public modules only may be imported.
    """

    package: str
    name: str
    what: str
    may_import: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether the room is a folder of the package."""
        return (ROOT / PACKAGES[self.package] / self.name).is_dir()


def _rooms(package: str, *rooms: tuple[str, str, str] | tuple[str, str, str, str]) -> list[Room]:
    return [
        Room(package, name, what, tuple(may_import.split()), tuple(modules[0].split()) if modules else ())
        for name, what, may_import, *modules in rooms
    ]


ROOMS: Final = [
    *_rooms(
        "openvideos_mutants",
        (
            "mutants",
            "servers and clients that are wrong on purpose, one for each requirement, and odd ones that are right",
            "openvideos_conformance openvideos_emulator",
            "",
        ),
    ),
    *_rooms(
        "openvideos_conformance",
        ("command", "the console script", "_cli", "__init__ __main__"),
        ("_cli", "what the command line says and shows", "_pytest _client _reports _core"),
        ("plugin", "the entry point for pytest", "_pytest", "pytest_plugin"),
        ("suite", "the checks", "_pytest _fuzz _probes _server _history _inputs _judging _core"),
        (
            "_pytest",
            "the suite as a plugin of pytest: an adapter and nothing more",
            "_fuzz _probes _server _reports _core",
        ),
        ("_fuzz", "requests that schemathesis generates, and what its findings mean", "_server _inputs _judging _core"),
        ("_probes", "requests that are sent once in a run and shared by checks", "_server _inputs _judging _core"),
        (
            "_server",
            "the server under test: the recording client, jobs, capabilities, events",
            "_inputs _judging _core",
        ),
        ("_client", "the judge of clients", "_inputs _core openvideos_emulator"),
        ("_history", "rules over all traffic of a run; pure", "_judging _core"),
        ("_inputs", "made-up requests, ids and files", "_judging _core"),
        ("_judging", "the judgement of single responses, pages, events and files; pure", "_core"),
        ("_reports", "a result in, a file or a text out", "_core"),
        ("_core", "what both judges share: contract, catalogue, exchanges, verdicts, target", ""),
    ),
    *_rooms(
        "openvideos_emulator",
        ("plugin", "the entry point for pytest", "_process command", "pytest_plugin"),
        ("_process", "emulators as processes", "command"),
        (
            "command",
            "the public surface: create_app, main, testing",
            "factory _testing _imitations _http _model",
            "__init__ __main__ _options testing",
        ),
        ("factory", "the one place that knows all parts", "_imitations _http _webhooks _engine _model", "_factory"),
        ("_testing", "what a test sees of an emulator: its jobs, and what was sent", ""),
        ("_imitations", "what real servers do otherwise, as changes of requests and responses", "_http"),
        ("_http", "a request's way from its path to its response", "_webhooks _engine _media _storage _model contract"),
        ("_webhooks", "the delivery of webhooks", "_storage _model"),
        ("_engine", "the operations, without HTTP", "_media _storage _model"),
        ("_media", "the files of jobs, each rendered once", "_model"),
        ("_storage", "jobs and events in SQLite", "_model"),
        ("_model", "decisions about jobs, events, faults, time and clients; pure", ""),
        ("contract", "the contract, as requests are judged by it", "", "_contract"),
    ),
    *_rooms(
        "openvideos",
        ("command", "the console script", "_cli", "__main__"),
        ("_cli", "the command line, which uses the public SDK alone", "_doctor batch _batch surface openvideos_raw"),
        ("batch", "the public names of batches", "_batch surface"),
        (
            "_batch",
            "a video of each row of a file: the rule about money, the ledger, and the engine that runs it",
            "_doctor surface _flows _parsing",
        ),
        (
            "_doctor",
            "what is in force and where it comes from, and how a server differs from the contract",
            "surface _drivers requests",
        ),
        (
            "surface",
            "the public names",
            "client session _responses requests base openvideos_raw",
            "__init__",
        ),
        (
            "client",
            "the public classes and their methods",
            "session _responses _drivers _flows requests _parsing base openvideos_raw",
            "_client _videos _async_videos _raw_response _request _webhooks",
        ),
        (
            "session",
            "what the parts of a client share: settings and pages",
            "_drivers _flows requests base",
            "_session _pages",
        ),
        ("_responses", "the content of a download, and the raw responses of all methods", "_drivers _parsing base"),
        ("_drivers", "the I/O that flows ask for, blocking and async", "_flows requests _parsing base"),
        (
            "_flows",
            "decisions as generators that do no I/O: retrying, polling, paging, downloading",
            "requests _parsing base openvideos_raw",
        ),
        (
            "requests",
            "requests built, with the settings of their client",
            "_parsing _uploads base openvideos_raw",
            "_operations _calls _settings _environment",
        ),
        ("_parsing", "responses as objects and files, or as errors", "base openvideos_raw"),
        ("_uploads", "callers' files as parts of a form", "base openvideos_raw"),
        (
            "base",
            "errors, types, statuses, secrets",
            "openvideos_raw",
            "_errors _headers _json _secrets _status _types _version",
        ),
    ),
    *_rooms(
        "openvideos_raw",
        ("raw", "the raw client, generated from openapi.yaml", ""),
    ),
    *_rooms(
        "contract_diff",
        (
            "diff",
            "what a change of the contract is, whom it breaks, and what it leaves to decide",
            "",
        ),
    ),
]
"""The rooms of each package from top to bottom."""


def room_of(module: str) -> Room | None:
    """Return the room of one of our modules, by its dotted name."""
    package, *steps = module.split(".")
    first = steps[0] if steps else "__init__"
    rooms = [room for room in ROOMS if room.package == package]
    if len(rooms) == 1:
        return rooms[0]
    return next((room for room in rooms if first in (room.modules or [room.name])), None)


def may_import(room: Room, other: Room) -> bool:
    """Return whether a module of one room may import a module of another."""
    name = other.name if other.package == room.package else other.package
    return room == other or name in room.may_import


def drawing() -> str:
    """Return the table as docs/architecture.md shows it."""
    lines = [BEGIN, "\n```text\n", *_arrows(), "```\n"]
    for package, directory in PACKAGES.items():
        lines += [
            f"\n**`{package}`** (`{directory}/`)\n\n",
            "| room | what lives there | may import |\n",
            "|---|---|---|\n",
        ]
        for room in [room for room in ROOMS if room.package == package]:
            modules = "" if not room.modules or len(room.modules) > 8 else f": {_listed(room.modules)}"  # noqa: PLR2004
            name = f"`{room.name}/`" if room.is_folder else room.name
            lines.append(f"| {name} | {room.what}{modules} | {_listed(room.may_import) or '-'} |\n")
    return "".join([*lines, "\n", END])


def _arrows() -> list[str]:
    """Return a line for each package, with the packages that it imports."""
    foreign = {
        package: {each for room in ROOMS if room.package == package for each in room.may_import} for package in PACKAGES
    }
    width = max(map(len, PACKAGES))
    return [
        f"{package:<{width}}  {'->  ' + ', '.join(each for each in PACKAGES if each in foreign[package])}".rstrip(" ->")
        + "\n"
        for package in PACKAGES
    ]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write the table into the document, between its marks."""
    text = DOCUMENT.read_text("utf-8")
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(before + drawing() + rest.split(END)[1], "utf-8")


if __name__ == "__main__":
    main()
