"""What a process may use, and what it has used."""

from __future__ import annotations

import contextlib
import re
import resource
import sys
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1 << 20


def raise_limits() -> None:
    """Let this process have as many connections as the machine allows: a thousand at once may need them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS names a limit that it does not take
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def peak() -> float:
    """Return the peak memory of this process, in MiB."""
    with contextlib.suppress(OSError):  # only Linux has this file
        # What `ru_maxrss` tells is the peak of the process that this one was forked from, if that was larger.
        line = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        return int(line[1]) / 1024 if line else 0
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes / (MEBIBYTE if sys.platform == "darwin" else 1024)
