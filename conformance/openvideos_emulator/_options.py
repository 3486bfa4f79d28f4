"""Read the options of the command from its arguments, and from variables of the environment.

The variable of `--api-key` is OPENVIDEOS_EMULATOR_API_KEY, and so on. Other users of a machine can read the arguments
of a process, not its environment. An argument takes precedence over a variable; an empty variable counts as unset.
"""

from __future__ import annotations

import argparse
import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ._factory import version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX: Final = "OPENVIDEOS_EMULATOR_"
"""What the variables of all options begin with."""

MISUSE: Final = 2
"""The exit code of a wrong option."""

_MAX_PORT: Final = 65_535
_YES: Final = frozenset({"1", "yes", "true", "on"})
_NO: Final = frozenset({"0", "no", "false", "off"})
_IN_MEMORY: Final = ":memory:"
_FORMATS: Final = ("text", "json")


def read_options(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    """Return the value of each option; `arguments` are those of this process if they are None.

    `db` is None if the jobs are kept in memory.

    Raises:
        SystemExit: An option is wrong (2), or help or the version is asked for (0).
    """
    parser = _parser()
    options, given = parser.read(arguments, environ)
    if options.ephemeral and (given.get("db"), given["ephemeral"]) == ("--db", "--ephemeral"):
        parser.error("--ephemeral keeps no jobs, and --db names the file that keeps them; give one of the two")
    if options.ephemeral and given.get("db") != "--db":
        options.db = None
    if options.isolate_keys:
        for name in ("api_key", "db", "webhook_secret", "webhook_url"):
            if name in given and getattr(options, name) is not None:
                parser.error(
                    f"--isolate-keys serves any key, keeps no jobs and sends no webhooks; leave out {given[name]}"
                )
        options.db = None
    return options


def new_secret() -> str:
    """Return a new secret that signs webhooks, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


class _Parser(argparse.ArgumentParser):
    """A parser of options that have variables, too, and that says in one sentence what is wrong."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, argument_default=argparse.SUPPRESS, **options)
        self._readers: dict[str, tuple[Callable[[str], object], object]] = {}

    def add_option(self, name: str, default: object, meaning: str, read: Callable[[str], object], **kind: Any) -> None:
        """Add an option; `read` returns its value from its text, or raises ArgumentTypeError."""
        action = self.add_argument(name, type=read, help=f"{meaning} [{_variable(name[2:])}]", **kind)
        self._readers[action.dest] = read, default

    def add_switch(self, name: str, meaning: str) -> None:
        """Add an option that is on or off: off by default, on if it is given without a value."""
        self.add_option(name, default=False, meaning=meaning, read=_switch, nargs="?", const=True, metavar="yes|no")

    def read(
        self, arguments: Sequence[str] | None, environ: Mapping[str, str]
    ) -> tuple[argparse.Namespace, dict[str, str]]:
        """Return the values of all options, and how each was given: by its argument, or by its variable."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            name = unknown[0].partition("=")[0]  # what follows could be a secret
            self.error(
                f"{name} is not an option; see --help"
                if name.startswith("-")
                else "a word stands where an option should; see --help"
            )
        given = {name: f"--{name.replace('_', '-')}" for name in vars(options)}
        for name, (read, default) in self._readers.items():
            text = environ.get(_variable(name), "")
            if name in given:
                continue
            try:
                setattr(options, name, read(text) if text else default)
            except argparse.ArgumentTypeError as error:
                self.error(f"{_variable(name)}: {error}")
            if text:
                given[name] = _variable(name)
        return options, given

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit."""
        self.exit(MISUSE, f"{self.prog}: {message.removeprefix('argument ')}\n")


def _parser() -> _Parser:
    from ._imitations.servers import IMITATIONS

    parser = _Parser(
        prog="openvideos-emulator",
        description="Serve the Videos API on this machine, with no GPU and no bill.",
        epilog="Each option can be set by the variable of the environment that stands behind it in brackets.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    parser.add_option("--port", 8000, "the port; 0 picks a free one (default: 8000)", _port)
    parser.add_option("--host", "127.0.0.1", "the address to listen on (default: 127.0.0.1)", str)
    parser.add_option("--api-key", None, "the key that clients must send (default: any, or none)", _key)
    parser.add_option(
        "--allow-host",
        (),
        "a host name by which clients reach this server, beside those of this machine; several with commas, or by"
        " repeating the option (default: none)",
        _hosts,
        action="extend",
        metavar="NAME",
    )
    parser.add_option(
        "--db",
        Path("openvideos-emulator.db"),
        "the SQLite file that stores the jobs; media are stored next to it (default: openvideos-emulator.db)",
        _database,
    )
    parser.add_switch("--ephemeral", "keep jobs and media only until the end, as --db :memory: does")
    parser.add_option(
        "--pace",
        "seconds:3",
        "the job speed: instant, polls:N, seconds:S, manual or manual:S (default: seconds:3)",
        _pace,
    )
    parser.add_option(
        "--profile",
        "default",
        "which sizes and durations the server accepts: default (even sizes up to 4096, 1 to 60 seconds) or sora"
        " (default: default)",
        _profile,
    )
    parser.add_option(
        "--webhook-url", None, "the URL that receives a webhook when a job completes or fails (default: none)", str
    )
    parser.add_option(
        "--webhook-secret",
        None,
        "the secret that signs webhooks: whsec_ and the base64 of 24 to 64 bytes (default: one is made and printed)",
        str,
    )
    parser.add_option(
        "--imitate",
        None,
        f"a real server whose departures from the contract are imitated: {', '.join(IMITATIONS)} (default: none)",
        _server,
        metavar="NAME",
    )
    parser.add_switch(
        "--isolate-keys", "give each key that is sent jobs, faults and time of its own: the last 256 keys"
    )
    parser.add_switch("--quiet", "write no line for each request")
    parser.add_option(
        "--log-format", "text", "how requests are written to stderr: text or json (default: text)", _format
    )
    return parser


def _variable(name: str) -> str:
    return PREFIX + name.upper().replace("-", "_")


def _switch(text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_PORT)) and int(text) <= _MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 to {_MAX_PORT}")


def _key(text: str) -> str:
    if text and all("!" <= char <= "~" for char in text):
        return text
    raise argparse.ArgumentTypeError("the key must be printable ASCII without spaces, and not empty")


def _hosts(text: str) -> tuple[str, ...]:
    from ._model.neighbours import spelled_name

    try:
        return tuple(spelled_name(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _database(text: str) -> Path | None:
    return None if text == _IN_MEMORY else Path(text)


def _pace(text: str) -> str:
    from ._model.jobs import Pace

    try:
        return str(Pace.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _profile(text: str) -> str:
    from ._model.profiles import profile_of

    try:
        return profile_of(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _format(text: str) -> str:
    if text in _FORMATS:
        return text
    raise argparse.ArgumentTypeError(f"the format {text!r} is unknown; use one of {', '.join(_FORMATS)}")


def _server(text: str) -> str:
    from ._imitations.servers import imitation

    try:
        imitation(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
