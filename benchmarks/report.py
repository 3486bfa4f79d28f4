"""A run's numbers as Markdown and plots, and their place in docs/performance.md. Pure but for `write`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .bars import BARS
from .chart import Line, line_chart
from .profiles import OTHERS, PARTS
from .results import Measured, Quantity, Results, Spread, slope
from .rows import GROWTH, PROFILES, UNITS

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
NUMBERS: Final = ROOT / "docs" / "performance.json"
COSTS: Final = ROOT / "overlay" / "tests" / "cost.toml"
BEGIN: Final = "<!-- Begin of {}: nox -s bench -- --write -->\n"
END: Final = "<!-- End of {} -->\n"
NAMES: Final = {
    "ours": "openvideos",
    "ours-aiohttp": "openvideos on aiohttp",
    "httpx-synced": "httpx that syncs",
    "untouched": "generated",
    "without-engine": "the same without DBOS",
}
"""How clients are called where their names say too little."""
EXTRAS: Final = {
    "create-file": ("peak_mib",),
    "create-and-poll": ("peak_mib", "connections"),
    "poll-1000": ("requests", "peak_mib", "delay_s"),
    "wait-many-1000": ("requests", "peak_mib", "delay_s"),
    "wait-many-10000": ("requests", "peak_mib", "delay_s"),
    **{f"batch-{size}": ("cpu_us", "ledger_us", "whole_mib", "requests_per_row") for size in (100, 1000, 10_000)},
    "batch-restart": ("cpu_s",),
    "emulator": ("p99_of_retrieve_ms", "p99_of_create_ms"),
    **{
        f"download-{place}-{way}": ("peak_mib",)
        for place in ("memory", "disk")
        for way in ("blocking", "async", "async-16")
    },
}
"""What is told of a row beside the number that it is shown by."""
WORDS: Final = {
    "peak_mib": "MiB beyond idle",
    "cpu_us": "µs of CPU a row",
    "cpu_s": "s of CPU",
    "ledger_us": "µs of it in the ledger",
    "whole_mib": "MiB",
    "requests_per_row": "requests a row",
    "connections": "connections",
    "requests": "requests",
    "delay_s": "s late at most",
    "p99_of_retrieve_ms": "ms, p99 of retrieve",
    "p99_of_create_ms": "ms, p99 of create",
}
FAMILIES: Final = {
    "async-retrieve": ("retrieve at once", "cpu_us"),
    "walk": ("walk, each job", "cpu_us"),
    "page": ("a page in memory, each job", "cpu_us"),
    "wait-many": ("wait_many, each job", "cpu_us"),
    "batch": ("a batch, each row", "cpu_us"),
    "batch-workers": ("a row of 1,000, by so many processes", "wall_us"),
    "stored": ("emulator, a retrieve among so many", "wall_us"),
    "stored list": ("emulator, a list of 100 among so many", "list_us"),
    "stored create": ("emulator, each create of so many", "create_us"),
}
"""What grows, by the rows that tell of it: their names end with a size."""
UNKNOWN: Final = "not in this run"
LEAST_RATIO: Final = 0.1
"""Below it, two digits after the point say nothing."""
LEAST_POINTS: Final = 3
LEAST_SIZE: Final = 100
"""The slope is told from this size on: below, what a run takes once is most of it."""


def number(value: float) -> str:
    """Return a number with three digits that tell, for people."""
    if value >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def ratio(spread: Spread) -> str:
    """Return a ratio, and its quartiles."""
    return f"{spread.middle:.2f} x [{spread.low:.2f} to {spread.high:.2f}]"


def line(results: Results, row: str) -> str:
    """Return a row in one line, for a terminal."""
    measured = results.rows[row]
    parts: list[str] = []
    for peer in measured.samples:
        spread = results.spread(Quantity(row, peer, measured.metric))
        if spread:
            parts.append(f"{peer} {number(spread.middle)}")
    return f"{', '.join(parts)} {UNITS[measured.metric]}"


def text(results: Results) -> str:
    """Return the report for a terminal: what was measured."""
    made = "\n".join(parts(results).values())
    return "\n".join(line for line in made.split("\n") if UNKNOWN not in line)


def parts(results: Results) -> dict[str, str]:
    """Return the parts of the report, by what they are."""
    return {
        "the run": described(results),
        "the bars": bars(results),
        "the rows": tables(results),
        "the profiles": profiled(results),
        "the growth": growth(results),
    }


def described(results: Results) -> str:
    """Return what ran where."""
    about = results.about
    kind = "A quick run (its numbers say little)" if about["is_quick"] else "One run"
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"{kind} of {about['date']}, in {number(about['seconds'] / 60)} minutes: {about['cores']} cores of "
        f"{about['processor']}, {about['system']}, {about['python']}, a load of {about['load before']} before it; "
        f"{versions}.\n"
    )


def bars(results: Results) -> str:
    """Return the table of what should be reached."""
    lines = ["| what | bar | measured | |", "|---|---|---|---|"]
    for bar in BARS:
        measured = bar.measured(results)
        if measured is None:
            found, verdict = UNKNOWN, ""
        else:
            is_ratio = bar.beside is not None and measured.middle >= LEAST_RATIO
            low, high = number(measured.low), number(measured.high)
            found = ratio(measured) if is_ratio else f"{number(measured.middle)} [{low} to {high}]"
            verdict = "**missed**" if bar.is_missed(measured) else "reached"
        lines.append(f"| {bar.what} | {bar.limit} | {found} | {verdict} |")
    return "\n".join(lines) + "\n"


def tables(results: Results) -> str:
    """Return a table for each group of rows."""
    groups: dict[str, dict[str, Measured]] = {}
    for name, row in results.rows.items():
        if row.group not in {GROWTH, PROFILES}:
            groups.setdefault(row.group, {})[name] = row
    return "\n".join(f"### {group}\n\n{table(results, rows)}" for group, rows in groups.items())


def table(results: Results, rows: dict[str, Measured]) -> str:
    """Return a table with a column for each client."""
    peers = list(dict.fromkeys(peer for row in rows.values() for peer in (*row.samples, *row.failures)))
    lines = [f"| | unit | rounds | {' | '.join(NAMES.get(peer, peer) for peer in peers)} |"]
    lines.append("|---|---|---|" + "---|" * len(peers))
    for name, row in rows.items():
        rounds = max((len(samples) for samples in row.samples.values()), default=0)
        cells = [cell(results, name, peer) for peer in peers]
        lines.append(f"| {row.what} | {UNITS[row.metric]} | {rounds} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(results: Results, row: str, peer: str) -> str:
    """Return a client's number, and ours divided by it."""
    metric = results.rows[row].metric
    theirs, ours = Quantity(row, peer, metric), Quantity(row, "ours", metric)
    spread = results.spread(theirs)
    if peer in results.rows[row].failures:
        return "fails"
    if spread is None:
        return ""
    told = number(spread.middle)
    if peer == "ours":
        told = f"**{told}**"
        if len(results.rows[row].samples) == 1:
            told += f" [{number(spread.low)} to {number(spread.high)}]"
    elif beside := results.ratio(ours, theirs):
        told += f"<br>{ratio(beside)}"
    for extra in EXTRAS.get(row, ()):
        found = results.spread(Quantity(row, peer, extra))
        told += f"<br>{number(found.middle)} {WORDS[extra]}" if found else ""
    return told


def families(results: Results) -> Iterator[tuple[str, dict[int, float]]]:
    """Yield what grows, with what one of so many costs."""
    for family, (words, metric) in FAMILIES.items():
        rows = {row.size: name for name, row in results.rows.items() if row.size and is_of(name, family)}
        found = {size: results.spread(Quantity(rows[size], "ours", metric)) for size in sorted(rows)}
        costs = {size: spread.middle for size, spread in found.items() if spread}
        if costs:
            yield words, costs


def is_of(row: str, family: str) -> bool:
    """Return whether a row tells of a family."""
    return row.rpartition("-")[0] == family.partition(" ")[0]


def growth(results: Results) -> str:
    """Return the table of what one of so many costs."""
    found = dict(families(results))
    sizes = sorted({size for costs in found.values() for size in costs})
    lines = [f"| µs | {' | '.join(f'{size:,}' for size in sizes)} | grows by |", "|---|" + "---|" * (len(sizes) + 1)]
    for words, costs in found.items():
        cells = " | ".join(number(costs[size]) if size in costs else "" for size in sizes)
        points = [(size, cost * size) for size, cost in costs.items() if size >= LEAST_SIZE]
        exponent = slope(points) if len(points) >= LEAST_POINTS else None
        grows = f"n^{exponent:.2f}" if exponent is not None else ""
        lines.append(f"| {words} | {cells} | {grows} |")
    return "\n".join(lines) + "\n"


def profiled(results: Results) -> str:
    """Return the table of whose functions take the time."""
    shown = (*PARTS, OTHERS)
    lines = [f"| % of the time | {' | '.join(shown)} |", "|---|" + "---|" * len(shown)]
    for name, row in results.rows.items():
        if row.group == PROFILES:
            spreads = [results.spread(Quantity(name, "ours", part)) for part in shown]
            cells = [f"{spread.middle:.0f}" if spread else "" for spread in spreads]
            lines.append(f"| {row.what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def counts(costs: dict[str, Any]) -> str:
    """Return the table of what the tests count."""
    lines = ["| what is counted | ceiling |", "|---|---|"]
    lines += [f"| {each['what']} | {each['ceiling']:,} |" for each in costs.values()]
    return "\n".join(lines) + "\n"


def plots(results: Results) -> dict[str, str]:
    """Return the plots, by the names of their files."""
    at_once: dict[str, dict[int, float]] = {}
    for name, row in results.rows.items():
        if row.size and name.startswith("async-retrieve-") and len(row.samples) > 1:
            for peer in row.samples:
                spread = results.spread(Quantity(name, peer, "cpu_us"))
                if spread:
                    at_once.setdefault(NAMES.get(peer, peer), {})[row.size] = spread.middle
    return {
        "performance-at-once.svg": line_chart(
            "CPU of an async retrieve, so many at once",
            "at once",
            "µs of CPU a call",
            [
                Line(name, sorted(points.items()), is_ours=name.startswith("openvideos"))
                for name, points in at_once.items()
            ],
        ),
        "performance-growth.svg": line_chart(
            "What one of so many costs: level is linear",
            "how many",
            "µs",
            [Line(words, list(costs.items()), is_ours=False) for words, costs in families(results)],
        ),
    }


def written(page: str, results: Results, costs: dict[str, Any]) -> str:
    """Return the page with the numbers of a run."""
    for name, made in {**parts(results), "the counts": counts(costs)}.items():
        before, rest = page.split(BEGIN.format(name))
        page = before + BEGIN.format(name) + "\n" + made + "\n" + END.format(name) + rest.split(END.format(name))[1]
    return page


def write(results: Results) -> None:
    """Write the page, its plots and the numbers."""
    costs = tomllib.loads(COSTS.read_text("utf-8"))
    NUMBERS.write_text(json.dumps(results.to_json(), indent=1) + "\n", "utf-8")
    # As they are read again: rounded.
    results = Results.from_json(json.loads(NUMBERS.read_text("utf-8")))
    PAGE.write_text(written(PAGE.read_text("utf-8"), results, costs), "utf-8")
    for name, plot in plots(results).items():
        PAGE.with_name(name).write_text(plot, "utf-8")
