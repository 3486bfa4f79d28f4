"""Batches that are broken off, between a server and what breaks their connections to it, and what came of them."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx

from openvideos._batch.opening import open_batch
from openvideos_mutants._registry import KEY

CRASHING: Final = Path(__file__).with_name("crashing.py")
SERVERS: Final = {
    "keys": ("-m", "openvideos_emulator", "--ephemeral", "--quiet"),
    "list": ("-m", "openvideos_mutants", "--serve", "keys_are_ignored"),
    "neither": ("-m", "openvideos_mutants", "--serve", "keys_are_ignored"),
}
HEADERS: Final = {"authorization": f"Bearer {KEY}"}
RESET: Final = struct.pack("ii", 1, 0)
FARTHEST: Final = 8000
"""After how many bytes of a request or a response a connection is reset at the latest: some creates and some reads."""


@contextmanager
def server_of(kind: str) -> Generator[str]:
    """Run a server that honours keys, one that has a list alone, or one that has neither; give its URL."""
    command = [sys.executable, *SERVERS[kind], "--port", "0", "--pace", "instant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, "the server does not start"
            found = re.search(r"(http://127\.0\.0\.1:\d+)", line)
        try:
            if kind == "neither":
                plan(found[1], operation="list_videos", status=404, times=10**6)
            yield found[1]
        finally:
            process.kill()


def plan(url: str, **fault: Any) -> None:
    """Let a fault happen at the server."""
    httpx.post(f"{url}/_emulator/faults", json=fault, headers=HEADERS).raise_for_status()


class Resets:
    """Passes on what a client and a server send, and resets connections after some bytes of either."""

    def __init__(self, url: str, chance: random.Random, most: int) -> None:
        self.chance, self.left, self.happened = chance, most, 0
        self._to = httpx.URL(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self._ends: list[socket.socket] = []

    def close(self) -> None:
        """Reset all that is left."""
        self._listener.close()
        for end in self._ends:
            _reset(end)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                ends = (self._listener.accept()[0], socket.create_connection((self._to.host, self._to.port or 80)))
            except OSError:
                return
            self._ends += ends
            at = [FARTHEST**2] * 2
            if self.left > 0:
                at[self.chance.randrange(2)] = self.chance.randrange(FARTHEST)
            for (source, target), limit in zip((ends, ends[::-1]), at, strict=True):
                thread = threading.Thread(target=self._pass_on, args=(source, target, limit), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, left: int) -> None:
        with suppress(OSError):
            while left > 0 and (piece := source.recv(1 << 16)):
                target.sendall(piece[:left])
                left -= len(piece)
            if left <= 0:
                self.left, self.happened = self.left - 1, self.happened + 1
        for end in (source, target):
            _reset(end)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)  # it ends the other thread's recv
    end.close()


class Trial:
    """A batch whose runs break off."""

    def __init__(self, folder: Path, kind: str, url: str, prompts: list[str], *, database: str | None = None) -> None:
        self.url, self.prompts, self.out, self.kind = url, prompts, folder / "out", kind
        self.database, self.log, self.faults = database, folder / "faults", Counter[str]()
        jobs = folder / "jobs.csv"
        jobs.write_text("\n".join(["prompt,seconds,size", *(f"{prompt},1,128x96" for prompt in prompts)]))
        self.words = ["batch", "run", str(jobs), "--out", str(self.out), "--settle", "0.5"]
        self.words += [] if kind == "keys" else ["--no-idempotency"]
        self.words += [] if database is None else ["--database", database]
        self.through(url)

    def through(self, url: str) -> None:
        """Reach the server by another URL, which has to stay the same."""
        self.environment = os.environ | {"OPENVIDEOS_BASE_URL": f"{url}/v1", "OPENVIDEOS_API_KEY": KEY}

    def start(self, **faults: Any) -> subprocess.Popen[str]:
        """Start a run to which faults happen."""
        command = [sys.executable, str(CRASHING), json.dumps({"log": str(self.log), **faults}), *self.words]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def run(self, **faults: Any) -> tuple[int, str]:
        """Run it to its end; return the code and what it said."""
        with self.start(**faults) as process:
            said = process.communicate()[1]
        return process.returncode, said

    @property
    def moments(self) -> int:
        """How many moments the last run had that came to its end."""
        return int(re.findall(r"moments (\d+)", self.log.read_text())[-1])

    def tally(self) -> dict[str, int]:
        """Return how many creates and faults there were, and what went wrong."""
        with closing(open_batch(str(self.out), self.database)) as ledger:
            rows = [*ledger.rows()]
        made = jobs_of(self.url)
        known = Counter(each["prompt"] for each in made if each["prompt"] in self.prompts)
        wanted = Counter(self.prompts)
        placed = {row["video_id"] for row in rows}
        doubts = {row["sent"]["prompt"] for row in rows if row["state"] == "ambiguous"}
        lost = [each for each in made if each["prompt"] in wanted and each["id"] not in placed]
        happened = Counter(self.log.read_text().split()) if self.log.exists() else Counter[str]()
        self.faults += Counter({kind: happened[kind] for kind in ("kill", "clock", "disk")})
        return {
            "creates": known.total(),
            "faults": self.faults.total(),
            **{f"  {kind}": count for kind, count in sorted(self.faults.items())},
            "double bills": (known - wanted).total(),
            "lost ids": sum(each["prompt"] not in doubts for each in lost),
            "doubts named": sum(row["state"] == "ambiguous" for row in rows),
            "rows without a file": sum(row["state"] not in {"done", "ambiguous"} for row in rows),
        }


def check(tally: dict[str, int], kind: str) -> None:
    """Fail unless each row has its one job and its file; on a server with neither keys nor a list, or is named."""
    wrong = ("double bills", "lost ids", "rows without a file", *(["doubts named"] if kind != "neither" else []))
    assert {} == {name: tally[name] for name in wrong if tally[name]}


def jobs_of(url: str) -> list[dict[str, Any]]:
    """Return all jobs of a server."""
    state = httpx.get(f"{url}/_emulator/state", headers=HEADERS, timeout=60).raise_for_status()
    jobs: list[dict[str, Any]] = state.json()["jobs"]
    return jobs


def died(code: int) -> bool:
    """Return whether a process was killed."""
    return code == -signal.SIGKILL
