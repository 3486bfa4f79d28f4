"""What each row should reach. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .results import Quantity, Results, Spread


@dataclass(frozen=True)
class Bar:
    """A limit of a number, or of its ratio to another."""

    what: str
    number: Quantity
    beside: Quantity | None = None
    most: float | None = None
    least: float | None = None
    unit: str = "x"

    @property
    def limit(self) -> str:
        """Return the limit in words."""
        sign, limit = ("≤", self.most) if self.most is not None else ("≥", self.least)
        return f"{sign} {limit:,g} {self.unit}"

    def measured(self, results: Results) -> Spread | None:
        """Return what a run has measured, if it has."""
        return results.ratio(self.number, self.beside) if self.beside else results.spread(self.number)

    def is_missed(self, measured: Spread) -> bool:
        """Return whether the median misses the limit."""
        above = self.most is not None and measured.middle > self.most
        return above or (self.least is not None and measured.middle < self.least)


def _cpu(row: str, peer: str = "ours") -> Quantity:
    return Quantity(row, peer, "cpu_us")


def _speed(row: str, peer: str = "ours") -> Quantity:
    return Quantity(row, peer, "mib_per_s")


def _wait(metric: str) -> Quantity:
    return Quantity("wait-many-10000", "ours", metric)


def _batch(metric: str, rows: int = 10_000) -> Quantity:
    return Quantity(f"batch-{rows}", "ours", metric)


BARS: Final = [
    *(
        Bar(f"async retrieve, {size} at once ÷ openai", _cpu(row), _cpu(row, "openai"), most=0.6)
        for size in (50, 200)
        for row in [f"async-retrieve-{size}"]
    ),
    Bar(
        "async retrieve, 200 at once ÷ ours, one after the other",
        _cpu("async-retrieve-200"),
        _cpu("async-retrieve-1"),
        most=1.3,
    ),
    *(
        Bar(
            f"async retrieve on aiohttp, {size} at once ÷ bare aiohttp",
            _cpu(row, "ours-aiohttp"),
            _cpu(row, "aiohttp"),
            most=2.5,
        )
        for size in (50, 200)
        for row in [f"async-retrieve-{size}"]
    ),
    Bar(
        "retrieve in memory ÷ bare httpx and json.loads",
        _cpu("retrieve-memory"),
        _cpu("retrieve-memory", "httpx"),
        most=1.2,
    ),
    Bar("openai ÷ retrieve in memory", _cpu("retrieve-memory", "openai"), _cpu("retrieve-memory"), least=2.5),
    Bar("create, a form ÷ bare httpx that posts its bytes", _cpu("create"), _cpu("create", "httpx"), most=1.3),
    Bar(
        "create, a form, async ÷ bare httpx that posts its bytes",
        _cpu("async-create-1"),
        _cpu("async-create-1", "httpx"),
        most=1.3,
    ),
    Bar("list of 100 in memory, decoded ÷ json.loads of it", _cpu("list-memory"), _cpu("decode", "httpx"), most=2),
    Bar(
        "a program until its first answer ÷ the same with bare httpx",
        Quantity("first-call", "ours", "wall_s"),
        Quantity("first-call", "httpx", "wall_s"),
        most=1.1,
    ),
    *(
        Bar(
            f"speed of a download to {place}, {way} ÷ httpx that syncs",
            _speed(row),
            _speed(row, "httpx-synced"),
            least=1.0,
        )
        for place, words in (("memory", "memory"), ("disk", "disk"))
        for way in ("blocking", "async")
        for row in [f"download-{words}-{way}"]
    ),
    Bar(
        "requests of wait_many for 10,000 ÷ those of single polls", _wait("requests"), _wait("single_polls"), most=0.02
    ),
    Bar("memory of wait_many for 10,000", _wait("peak_mib"), most=100, unit="MiB"),
    Bar("from the end of a job until wait_many yields it, of 10,000 the latest", _wait("delay_s"), most=2, unit="s"),
    Bar("requests of a batch of 1,000 beside the downloads", _batch("requests_per_row", 1000), most=2.2, unit="a row"),
    Bar("requests of a batch of 10,000 beside the downloads", _batch("requests_per_row"), most=2.2, unit="a row"),
    Bar("all memory of a batch of 10,000", _batch("whole_mib"), most=200, unit="MiB"),
    Bar("the same ÷ that of a batch of 1,000", _batch("whole_mib"), _batch("whole_mib", 1000), most=1.5),
    Bar(
        "from the start of a killed batch of 10,000 to its next create",
        Quantity("batch-restart", "ours", "wall_s"),
        most=5,
        unit="s",
    ),
    Bar(
        "requests to the emulator by 200 clients",
        Quantity("emulator", "ours", "per_second"),
        least=2500,
        unit="per second",
    ),
    Bar("p99 of those requests", Quantity("emulator", "ours", "p99_ms"), most=200, unit="ms"),
]
