"""Run the command for as long as the process that started it lives: it ends when its standard input does.

The first argument is a directory that goes with it.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading

from ..__main__ import main


def _end_with_parent(directory: str) -> None:
    # Not sys.stdin.read: its lock would be held while the interpreter ends.
    while os.read(0, 1024):
        pass
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, args=(sys.argv[1],), daemon=True).start()
    sys.exit(main(sys.argv[2:]))
