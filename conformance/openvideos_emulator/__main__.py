"""Run the emulator as a process: `openvideos-emulator`, or `python -m openvideos_emulator`.

The command reads its options, binds the port, and prints its URL as soon as it accepts connections. If it cannot start,
it prints the reason on stderr and exits with a code that is not 0.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import ipaddress
import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

from ._options import MISUSE, new_secret, read_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import FrameType

    from ._http.app import EmulatorApp
    from ._http.callers import Callers
    from ._model.refusals import StartError

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
_BACKLOG: Final = 2048
_ACCEPTED: Final = 32  # at once; asyncio would take the backlog for that, and accept more than there can be files
_GRACE_SECONDS: Final = 3  # for the requests that are under way when a signal arrives


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM arrives.

    Returns:
        The exit code: 0 after a signal, 1 if it cannot start, 2 if an option is wrong or a dependency is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        problem = (
            f"this needs the extra emulator, which brings {', '.join(missing)}; add it from where openvideos came, "
            "such as a clone: python -m pip install '.[emulator]'"
        )
        return _complain(problem, MISUSE)
    options = read_options(argv, os.environ)
    if options.api_key is None and not options.allow_host and not _is_loopback(options.host):
        message = (
            f"{options.host} can be reached from other machines; give --api-key, or --allow-host with the name by which"
            " they may reach it, or use --host 127.0.0.1"
        )
        return _complain(message, MISUSE)
    # A signal ends the process with code 0. After it has stopped, uvicorn raises the signal again, for this handler.
    before = {number: signal.signal(number, _leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _run(options)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # whoever calls this in a process of theirs has handlers, too


def _run(options: argparse.Namespace) -> int:
    from ._factory import create_app
    from ._http.callers import Callers
    from ._http.log_writer import LogWriter
    from ._model.refusals import StartError

    stderr = LogWriter(sys.stderr, log_format=options.log_format)
    logging.basicConfig(level=logging.WARNING, handlers=[stderr.handler])
    writer = None if options.quiet else stderr  # of requests

    made_secret = new_secret() if options.webhook_url and not options.webhook_secret else None
    with contextlib.ExitStack() as stack:
        stderr.start()
        stack.callback(stderr.close)
        try:
            listener = stack.enter_context(_bind(options.host, options.port))

            def app_of(api_key: str | None) -> EmulatorApp:
                app = create_app(
                    database=options.db,
                    api_key=api_key,
                    pace=options.pace,
                    profile=options.profile,
                    imitate=options.imitate,
                    webhook_url=options.webhook_url,
                    webhook_secret=made_secret or options.webhook_secret,
                    allowed_hosts=_allowed_hosts(options, listener),
                )
                if writer is not None:
                    writer.follow(app.requests)
                return app

            app = Callers(app_of) if options.isolate_keys else app_of(options.api_key)
            stack.callback(app.close)
            try:
                listener.listen(_BACKLOG)  # not before: it accepts connections from here on
            except OSError as error:
                raise _no_listener(options.host, options.port, error) from error
        except StartError as error:
            return _complain(str(error), 1)
        except ValueError as error:
            return _complain(str(error), MISUSE)
        webhook_url = None if isinstance(app, Callers) else app.webhook_url()
        return _serve(app, listener, _greeting(listener, options, webhook_url, made_secret))


def _serve(app: EmulatorApp | Callers, listener: socket.socket, greeting: str) -> int:
    import uvicorn

    from ._http.uvicorn_protocol import UvicornProtocol, is_told

    class Server(uvicorn.Server):
        """A server that prints where it is once it accepts connections."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                listener.listen(_BACKLOG)  # more than asyncio has set
                app.serve_at(f"{_site(listener)}/v1")
                print(_printable(greeting), flush=True)  # noqa: T201 - the documented output

    config = uvicorn.Config(
        app,
        http=UvicornProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        backlog=_ACCEPTED,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(is_told)
    Server(config).run(sockets=[listener])
    return 0


def _printable(text: str) -> str:
    # A path may hold characters that the terminal does not know.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _greeting(
    listener: socket.socket, options: argparse.Namespace, webhook_url: str | None, made_secret: str | None
) -> str:
    site = _site(listener)
    key = "anything" if options.api_key is None else "the key that it was started with"
    key = f"{key}: each key has jobs of its own" if options.isolate_keys else key
    lines = [
        f"listening on {site}/v1 (set OPENVIDEOS_BASE_URL={site}/v1 and OPENVIDEOS_API_KEY to {key})",
        f"the dashboard is at {site}/",
        "jobs and media are gone at the end"
        if options.db is None
        else f"jobs stay in {options.db.absolute()}, media in {options.db.absolute()}-media (--ephemeral keeps none)",
    ]
    if webhook_url is not None:
        lines.append(f"webhooks are sent to {webhook_url}")
    if made_secret is not None:
        lines.append(f"webhooks are signed with {made_secret}, which was made now (--webhook-secret sets another)")
    return "\n".join(f"openvideos-emulator: {line}" for line in lines)


def _allowed_hosts(options: argparse.Namespace, listener: socket.socket) -> list[str] | None:
    # A page of another site does not know the key, and no browser adds it by itself, so with a key any host will do;
    # but where any key will do, the page has one.
    if options.api_key is not None and not options.allow_host:
        return None
    return [listener.getsockname()[0], *options.allow_host]


def _site(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    try:
        return _bound(host, port)
    except (OSError, UnicodeError) as error:  # the second if the host cannot be a name
        raise _no_listener(host, port, error) from error


def _no_listener(host: str, port: int, error: Exception) -> StartError:
    from ._model.refusals import StartError

    reason = getattr(error, "strerror", None) or error
    other = "--port" if getattr(error, "errno", None) in {errno.EADDRINUSE, errno.EACCES} else "--host"
    return StartError(f"cannot listen on {host} port {port}: {reason}; use another {other}")


def _bound(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only if the socket's protocol is TCP, so the protocol is given here.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    family, kind, protocol = found[0][:3]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # on Windows, the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


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
