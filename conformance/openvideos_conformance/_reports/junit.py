"""Write the result of a run as JUnit XML for CI, with a test case for each requirement. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from .._core.run_result import area_name, area_of, headline
from .._core.sanitize import printable
from .._core.verdicts import Verdict

if TYPE_CHECKING:
    from .._core.run_result import RunResult
    from .._core.verdicts import Result

_SHOWN_FINDINGS: Final = 20
_SKIPPED: Final = {
    Verdict.WARN: "warning",
    Verdict.UNSUPPORTED: "not supported",
    Verdict.NOT_REACHED: "not exercised",
}


def to_junit(run: RunResult) -> str:
    """Return a run as the text of junit.xml."""
    kinds = [_kind(result) for result in run.results]
    attributes = _attributes(
        name="openvideos-conformance",
        tests=len(run.results),
        failures=kinds.count("failure"),
        errors=kinds.count("error"),
        skipped=kinds.count("skipped"),
        time=f"{run.seconds:.3f}",
    )
    facts = {
        "base_url": run.base_url,
        "suite": run.suite,
        "contract": run.contract,
        "seed": run.seed,
        "videos_started": run.videos_started,
        "summary": headline(run),
        **{f"profile {each.name}": each.line for each in run.profiles},
    }
    properties = "\n".join(f"      <property{_attributes(name=name, value=value)}/>" for name, value in facts.items())
    when = _attributes(timestamp=run.began.removesuffix("Z"))
    cases = "\n".join(_case(result, kind) for result, kind in zip(run.results, kinds, strict=True))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f"<testsuites{attributes}>\n"
        f"  <testsuite{attributes}{when}>\n"
        f"    <properties>\n{properties}\n    </properties>\n"
        f"{cases}\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def _kind(result: Result) -> str:
    """Return the element that reports a result; empty for a pass."""
    if result.counts:
        return "failure"
    if result.verdict is Verdict.ERROR:
        return "error"
    return "" if result.verdict is Verdict.PASS else "skipped"


def _case(result: Result, kind: str) -> str:
    requirement = result.requirement
    area = area_name(area_of(requirement.id)).lower()
    start = (
        f"    <testcase{_attributes(name=requirement.id, classname=f'openvideos.{area}', time=f'{result.seconds:.3f}')}"
    )
    if not kind:
        return f"{start}/>"
    attributes = _attributes(message=_message(result))
    if kind != "skipped":
        attributes += _attributes(type=str(requirement.level))
    return f"{start}>\n      <{kind}{attributes}>{_text(_details(result))}</{kind}>\n    </testcase>"


def _message(result: Result) -> str:
    if result.is_stale:
        return "the failure is expected, but the requirement passes; remove it from the expected failures"
    if result.expected is not None:
        return f"expected failure ({result.expected}): {result.message}"
    word = _SKIPPED.get(result.verdict)
    return f"{word}: {result.message}" if word else result.message


def _details(result: Result) -> str:
    requirement = result.requirement
    lines = [requirement.statement, f"Why: {requirement.why}", f"Source: {requirement.source}"]
    for observation in result.observations:
        if observation.message:
            lines.append(f"{observation.check}: {observation.message}")
        lines += [str(each.get("curl", "")) for each in observation.evidence]
        lines += [str(each["message"]) for each in observation.more[:_SHOWN_FINDINGS]]
    return "\n".join(lines)


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(printable(str(value)))}" for name, value in values.items())


def _text(text: str) -> str:
    return escape(printable(text))
