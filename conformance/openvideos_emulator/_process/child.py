"""Run the command until the parent process ends, which closes this process's standard input.

The first argument is a directory that is removed at the end; the others are the command's.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading

from ..__main__ import main


def _end_with_parent(directory: str) -> None:
    # Not sys.stdin.read: it would hold a lock while the interpreter shuts down.
    while os.read(0, 1024):
        pass
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, args=(sys.argv[1],), daemon=True).start()
    sys.exit(main(sys.argv[2:]))
