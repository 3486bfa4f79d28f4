"""Run the emulator as a process: `openvideos-emulator`, or `python -m openvideos_emulator`.

The command reads its options, binds the port, and prints its URL as soon as it accepts connections. If it cannot start,
it prints the reason on stderr and exits with a code that is not 0.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import ipaddress
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from ._http.app import EmulatorApp

_NEEDED: Final = (
    "anyio",
    "av",
    "jsonschema",
    "PIL",
    "python_multipart",
    "standardwebhooks",
    "starlette",
    "uvicorn",
    "yaml",
)
_MISUSE: Final = 2
_MAX_PORT: Final = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM arrives.

    Returns:
        The exit code: 0 after a signal, 1 if it cannot start, 2 if an option is wrong or a dependency is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _complain(f"{', '.join(missing)} is missing; run: pip install 'openvideos[emulator]'", _MISUSE)
    options = _parser().parse_args(argv)
    if options.api_key is None and not _is_loopback(options.host):
        message = f"{options.host} can be reached from other machines; give --api-key, or use --host 127.0.0.1"
        return _complain(message, _MISUSE)
    # A signal ends the process with code 0. After it has stopped, uvicorn raises the signal again, for this handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    logging.basicConfig(level=logging.WARNING, format="openvideos-emulator: %(levelname)s: %(message)s")
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    from ._factory import create_app
    from ._model.refusals import StartError

    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(_bind(options.host, options.port))
            app = create_app(
                database=options.db,
                api_key=options.api_key,
                pace=options.pace,
                profile=options.profile,
                webhook_url=options.webhook_url,
                webhook_secret=options.webhook_secret,
            )
        except OSError as error:
            reason = error.strerror or error
            return _complain(f"cannot listen on {options.host} port {options.port}: {reason}; use another --port", 1)
        except StartError as error:
            return _complain(str(error), 1)
        except ValueError as error:
            return _complain(str(error), _MISUSE)
        stack.callback(app.close)
        return _serve(app, listener, has_key=options.api_key is not None)


def _serve(app: EmulatorApp, listener: socket.socket, *, has_key: bool) -> int:
    import uvicorn

    from ._http.uvicorn_protocol import UvicornProtocol

    class Server(uvicorn.Server):
        """A server that prints its URL once it accepts connections."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(_greeting(listener, has_key=has_key), flush=True)  # noqa: T201 - the documented line of output

    config = uvicorn.Config(
        app,
        http=UvicornProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=3,
    )
    Server(config).run(sockets=[listener])
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _greeting(listener: socket.socket, *, has_key: bool) -> str:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
    key = "the key given to --api-key" if has_key else "anything"
    return f"openvideos-emulator: listening on {url} (set OPENVIDEOS_BASE_URL={url} and OPENVIDEOS_API_KEY to {key})"


def _bind(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only if the socket's protocol is TCP, so the protocol is given here.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    family, kind, protocol = found[0][:3]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # on Windows, the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openvideos-emulator",
        description="Serve the Videos API on this machine, with no GPU and no bill.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=_port, default=8000, help="the port; 0 picks a free one (default: 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--api-key", type=_key, help="the key that clients must send (default: any, or none)")
    parser.add_argument(
        "--db",
        type=Path,
        default=Path("openvideos-emulator.db"),
        help="the SQLite file that stores the jobs; media are stored next to it (default: openvideos-emulator.db)",
    )
    parser.add_argument(
        "--pace",
        type=_pace,
        default="seconds:3",
        help="the job speed: instant, polls:N, seconds:S or manual (default: seconds:3)",
    )
    parser.add_argument(
        "--profile",
        choices=("default", "sora"),
        default="default",
        help="which sizes and durations the server accepts (default: even sizes up to 4096, 1 to 60 seconds)",
    )
    parser.add_argument(
        "--webhook-url",
        help="the URL that receives a webhook when a job completes or fails (default: none)",
    )
    parser.add_argument(
        "--webhook-secret",
        help="the secret that signs webhooks: whsec_ and the base64 of 24 to 64 bytes",
    )
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_PORT)) and int(text) <= _MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 to {_MAX_PORT}")


def _key(text: str) -> str:
    if text and all("!" <= char <= "~" for char in text):
        return text
    raise argparse.ArgumentTypeError("the key must be printable ASCII without spaces, and not empty")


def _pace(text: str) -> str:
    from ._model.jobs import Pace

    try:
        return str(Pace.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"openvideos-emulator: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
