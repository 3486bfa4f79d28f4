"""Judge the wrong clients in the scenarios that show their defects, and the right ones in all."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from openvideos_conformance._client.judge import judge_client
from openvideos_conformance._client.scenario_run import Options
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.verdicts import Verdict

from .defects import DEFECTS, RIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TIMEOUT_S: Final = 10.0
"""How long a client may take in a scenario; those that never end take it whole."""


@dataclass(frozen=True, slots=True)
class ClientTrial:
    """What the judge said of a client in some scenarios: the requirements that failed, each with what was said."""

    name: str
    scenarios: tuple[str, ...]
    failed: dict[str, str]

    @property
    def is_caught(self) -> bool:
        """Whether the requirement that the client breaks has failed."""
        return self.name in DEFECTS and DEFECTS[self.name].requirement in self.failed

    @property
    def unexplained(self) -> dict[str, str]:
        """The requirements that failed, and whose statements hold."""
        defect = DEFECTS.get(self.name)
        known = {defect.requirement, *defect.along} if defect is not None else set[str]()
        return {name: said for name, said in self.failed.items() if name not in known}


def trial(name: str, scenarios: Iterable[str] = (), *, jobs: int = 1) -> ClientTrial:
    """Judge a client in some scenarios, or in all, `jobs` at a time."""
    chosen = tuple(scenarios) or tuple(SCENARIOS)
    # How much memory is usual shows only there.
    chosen = ("plain", *chosen) if SCENARIOS[chosen[0]].is_measured and chosen[0] != "plain" else chosen
    command = [sys.executable, "-m", "openvideos_mutants.clients", name]
    run = judge_client(command, [SCENARIOS[each] for each in chosen], Options(jobs=jobs, timeout=_TIMEOUT_S))
    wrong = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}
    failed = {each.requirement.id: each.message for each in run.results if each.verdict in wrong}
    return ClientTrial(name, chosen, failed | ({"problem": run.problem} if run.problem else {}))


def judge_clients(names: Sequence[str], *, jobs: int) -> int:
    """Judge the named clients, or all, and print a table; return 1 if one is judged wrongly.

    A wrong client must be caught in each of its scenarios by itself.
    """
    wanted = set(names)
    unknown = wanted - DEFECTS.keys() - RIGHT.keys() - {each.requirement for each in DEFECTS.values()}
    if unknown:
        print(f"there is no client {', '.join(sorted(unknown))}; there are {', '.join([*DEFECTS, *RIGHT])}")
        return 2
    wrong = [each for each in DEFECTS.values() if not wanted or wanted & {each.name, each.requirement}]
    right = [name for name in RIGHT if not wanted or name in wanted]
    problems = 0
    with ThreadPoolExecutor(2 * jobs) as pool:  # most of the time, they wait
        waiting = [pool.submit(trial, each.name, [scenario]) for each in wrong for scenario in each.scenarios]
        for done in (each.result() for each in waiting):
            requirement = DEFECTS[done.name].requirement
            is_right = done.is_caught and not done.unexplained
            problems += not is_right
            verdict = "caught  " if done.is_caught else "SURVIVED"
            print(f"{verdict} {requirement:16} {done.scenarios[0]:20} {done.name}", flush=True)
            for name, said in ({} if is_right else done.failed).items():
                print(f"    {name} {said[:300]}", flush=True)
    for name in right:
        done = trial(name, jobs=2 * jobs)
        problems += bool(done.failed)
        print(f"{'REFUSED ' if done.failed else 'passes  '} {name}", flush=True)
        for requirement, said in done.failed.items():
            print(f"    {requirement} {said[:300]}", flush=True)
    print(f"\n{len(wrong)} wrong clients in {len(waiting)} scenarios, {len(right)} right clients; {problems} misjudged")
    return int(problems > 0)
