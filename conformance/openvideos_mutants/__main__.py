"""Test the suite: `python -m openvideos_mutants` judges every mutant and every odd server, and prints a kill table."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

from openvideos_emulator._imitations.servers import IMITATIONS

from ._hosting import EMULATOR, free_port, serve
from ._imitated import judge_imitations
from ._odd import ODD
from ._proof import LAYERS, Trial, trial, trials
from ._registry import MUTANTS
from ._servers_page import imitations_page
from .clients.proof import judge_clients


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Return 0, or 1 if a mutant survives or fails what it keeps, or an odd server is refused."""
    parser = argparse.ArgumentParser(prog="openvideos_mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="mutants, odd servers, or ids of requirements; all of them if none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="how many are judged concurrently")
    parser.add_argument(
        "--only-own", action="store_true", help="check only the requirement that each mutant breaks (faster)"
    )
    parser.add_argument(
        "--seeds", type=int, default=0, help="judge the emulator itself, or each imitation, with so many seeds"
    )
    parser.add_argument(
        "--imitations", action="store_true", help="judge imitations of real servers instead: those named, or all"
    )
    parser.add_argument(
        "--write", action="store_true", help="with --imitations: write their targets and docs/servers.md"
    )
    parser.add_argument(
        "--clients", action="store_true", help="judge wrong and right clients instead: those named, or all"
    )
    parser.add_argument("--describe", action="store_true", help="print docs/imitations.md")
    parser.add_argument("--serve", metavar="NAME", help="serve one of them until Ctrl-C, to try it by hand")
    parser.add_argument("--port", type=int, help="the port for --serve (default: a free port)")
    parser.add_argument(
        "--hook-port", type=int, help="the port that receives its webhooks (default: a port where nothing listens)"
    )
    parser.add_argument("--pace", help="its job speed, as the emulator's --pace (default: its own)")
    options = parser.parse_args(argv)
    if options.serve:
        return _serve(options)
    if options.describe:
        print(imitations_page(), end="")
        return 0
    if options.clients:
        return judge_clients(options.names, jobs=options.jobs)
    if options.imitations:
        return judge_imitations(options.names, jobs=options.jobs, write=options.write, seeds=options.seeds)
    if options.seeds:
        return _judge_the_emulator(options.seeds)
    wanted = set(options.names)
    mutants = [each.name for each in MUTANTS.values() if not wanted or wanted & {each.name, each.requirement}]
    odd = [name for name in ODD if not wanted or name in wanted]
    survivors: list[Trial] = []
    failures: list[Trial] = []
    alarms = 0
    caught: Counter[str] = Counter()
    for done in trials([*mutants, *odd], jobs=options.jobs, only_own=options.only_own):
        if done.name in MUTANTS:
            caught.update(done.killed_by)
            print(_line_of_mutant(done), flush=True)
            if not done.killed_by:
                survivors.append(done)
            alarms += bool(done.unexplained())
        else:
            print(_line_of_right(done), flush=True)
            failures += [done] if _refused(done) else []
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} mutants caught by the right id; by layer: ", end="")
    print(", ".join(f"{layer} {caught[layer]}" for layer in LAYERS))
    if not options.only_own:
        print(f"{len(mutants) - alarms} of {len(mutants)} mutants fail no requirement whose statement holds")
    print(f"{len(odd) - len(failures)} of {len(odd)} odd servers pass")
    return 1 if survivors or failures or alarms else 0


def _line_of_mutant(done: Trial) -> str:
    mutant = MUTANTS[done.name or ""]
    killed = done.killed_by
    marks = "  ".join(f"{layer if layer in killed else '-':8}" for layer in LAYERS)
    others = sorted(done.broken().keys() & mutant.along.keys())
    more = f"  also {', '.join(others)}" if others else ""
    wrong = "".join(f"\n    unexplained: {each} {said[:300]}" for each, said in done.unexplained().items())
    problem = f"  PROBLEM: {done.report.get('problem')}" if done.report.get("problem") else ""
    verdict = "caught  " if killed else "SURVIVED"
    return f"{verdict} {mutant.requirement:16} {marks} {done.seconds:5.1f} s  {mutant.name}{more}{problem}{wrong}"


def _line_of_right(done: Trial) -> str:
    wrong = _refused(done)
    reported = "".join(f"\n    {line}" for line in wrong)
    return f"{'REFUSED ' if wrong else 'passes  '} {done.seconds:5.1f} s  {done.name or 'the emulator'}{reported}"


def _refused(done: Trial) -> list[str]:
    """Return what is wrong with the verdicts on a correct server."""
    wrong = [f"{result['id']} {result['message'][:300]}" for kind in ("fail", "error") for result in done.of(kind)]
    if done.code != 0 and not wrong:
        wrong = [f"exit code {done.code}: {done.output[-500:]}"]
    return wrong


def _judge_the_emulator(seeds: int) -> int:
    """Judge the emulator itself: a false alarm, of any level, is a failure."""
    alarms = 0
    for seed in range(seeds):
        done = trial(None, seed=seed)
        wrong = _refused(done) + [f"{result['id']} warns: {result['message'][:300]}" for result in done.of("warn")]
        alarms += bool(wrong)
        videos = done.report.get("videos_started")
        unreached = [result["id"] for result in done.of("not_reached")]
        print(f"seed {seed}: {done.seconds:.1f} s, {videos} videos, not exercised: {unreached or 'none'}", flush=True)
        for line in wrong:
            print(f"    {line}", flush=True)
    print(f"{seeds - alarms} of {seeds} seeds without a false alarm")
    return 1 if alarms else 0


def _serve(options: argparse.Namespace) -> int:
    name = options.serve
    if name not in {*MUTANTS, *ODD, *IMITATIONS, EMULATOR}:
        print(f"there is no server called {name!r}", file=sys.stderr)
        return 2
    port = options.port or free_port()
    hook_port = options.hook_port or free_port()
    serve(name, port, hook_port, pace=options.pace, ready=lambda: print(f"http://127.0.0.1:{port}/v1", flush=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
