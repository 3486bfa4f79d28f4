"""Run the command, and kill it at a moment that counts.

Such a moment is before and after each change of the ledger, each create and each record of a step. `python crashing.py
N FILE batch run …` dies at the Nth; if there are fewer, it writes their number to FILE at its end.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from openvideos.__main__ import main
from openvideos._batch import runner
from openvideos._batch.ledger import Ledger
from openvideos._batch.server import Server

AT = int(sys.argv[1])
passed = itertools.count(1)


def moment() -> None:
    """Count a moment; die if it is the one."""
    if next(passed) == AT:
        os.kill(os.getpid(), signal.SIGKILL)


def watched(function: Any) -> Any:
    """Return a function before and after which a moment passes."""

    @functools.wraps(function)
    def blocking(*arguments: Any, **options: Any) -> Any:
        moment()
        result = function(*arguments, **options)
        moment()
        return result

    @functools.wraps(function)
    async def asynchronous(*arguments: Any, **options: Any) -> Any:
        moment()
        result = await function(*arguments, **options)
        moment()
        return result

    return asynchronous if inspect.iscoroutinefunction(function) else blocking


for name in ("intend", "doubt", "place", "release", "set", "renew", "enqueue"):
    setattr(Ledger, name, watched(getattr(Ledger, name)))
setattr(Server, "create", watched(Server.create))  # noqa: B010 - mypy would refuse the other
runner._step = watched(runner._step)

if __name__ == "__main__":
    code = main(sys.argv[3:])
    Path(sys.argv[2]).write_text(str(next(passed) - 1), encoding="ascii")
    sys.exit(code)
