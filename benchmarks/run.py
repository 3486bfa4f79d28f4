"""Measure the SDK beside its peers, the emulator and the project's commands. `nox -s bench` runs this.

Clients take turns in one run, each in a process of its own. With `--write`, the numbers of a whole run are put into
docs/performance.md, its plots, and docs/performance.json. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from . import report
from .bars import BARS
from .processes import FailureError, bench
from .results import Measured, Results
from .rows import Row, rows

PACKAGES: Final = (
    "openvideos",
    "httpx",
    "httpcore",
    "httpx2",
    "aiohttp",
    "httpx-aiohttp",
    "openai",
    "openapi-python-client",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 if a bar is missed and `--strict` is given."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="the rows to measure, such as 'async-*' (default: all)")
    parser.add_argument("--quick", action="store_true", help="measure less, in about a minute: to see that it runs")
    parser.add_argument("--list", action="store_true", help="tell the names of the rows")
    parser.add_argument("--write", action="store_true", help="write the page, its plots and docs/performance.json")
    parser.add_argument(
        "--page", action="store_true", help="measure nothing: write the page from docs/performance.json"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args(arguments)
    if options.list:
        print(*(f"{row.name:28} {row.what}" for row in rows()), sep="\n")
        return 0
    if options.page:
        report.write(Results.from_json(json.loads(report.NUMBERS.read_text("utf-8"))))
        return 0
    wanted = chosen(rows(), options.rows, is_quick=options.quick)
    if not wanted:
        parser.error(f"no row is named {' or '.join(options.rows)}; --list tells the names")
    if options.write and options.rows:
        parser.error("--write takes a whole run, so that all numbers of the page are from one: name no rows")
    results = measured(wanted, is_quick=options.quick)
    print("\n" + report.text(results))
    if options.write:
        report.write(results)
    return int(options.strict and any((spread := bar.measured(results)) and bar.is_missed(spread) for bar in BARS))


def chosen(known: list[Row], names: list[str], *, is_quick: bool) -> list[Row]:
    """Return the rows with these names; without names, all that a run of this kind measures."""
    if names:
        return [row for row in known if any(fnmatch.fnmatch(row.name, name) for name in names)]
    return [row for row in known if not row.is_long and (row.is_quick or not is_quick)]


def measured(wanted: list[Row], *, is_quick: bool) -> Results:
    """Measure rows, and tell of each."""
    began = time.monotonic()
    results = Results(about(is_quick=is_quick), versions())
    with bench(is_quick=is_quick) as shared:
        for row in wanted:
            found = results.rows[row.name] = Measured(row.what, row.group, row.metric, row.size)
            started = time.monotonic()
            rounds = 1 if is_quick else row.rounds
            for number in range(rounds):
                # Whoever is first in one round is last in the next, so that no place has an advantage.
                for peer in row.peers if number % 2 else row.peers[::-1]:
                    if not take_part(peer) or peer in found.failures:
                        continue
                    try:
                        found.samples.setdefault(peer, []).append(row.measure(shared, peer))
                    except FailureError as failure:  # the others go on, and the table says so
                        found.failures.append(peer)
                        print(f"{row.name}: {peer} fails: {failure}", file=sys.stderr)
            found.samples = {peer: found.samples[peer] for peer in row.peers if found.samples.get(peer)}
            print(f"{row.name:28} {time.monotonic() - started:6.1f} s  {report.line(results, row.name)}", flush=True)
    results.about["seconds"] = round(time.monotonic() - began)
    return results


def take_part(peer: str) -> bool:
    """Return whether a client is on this machine."""
    return peer != "curl" or shutil.which("curl") is not None


def about(*, is_quick: bool) -> dict[str, object]:
    """Return where and when a run runs."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - only Linux has it
            processor = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "is_quick": is_quick,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "processor": processor,
        "cores": cores,
        "load before": round(load, 1) if load is not None else None,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    found = {name: version(name) for name in PACKAGES}
    if shutil.which("curl"):
        said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)  # noqa: S607 - the one in PATH
        found["curl"] = said.stdout.split()[1]
    return found


if __name__ == "__main__":
    sys.exit(main())
