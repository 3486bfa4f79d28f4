"""Write the result of a run as one web page without external resources. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, cast

from .._core.catalogue import HARMS, Level
from .._core.causes import causes
from .._core.run_result import area_name, area_of, headline, plural
from .._core.verdicts import Outcome, Verdict
from .page import page, shown
from .terminal import OUTCOMES, WORDS, profile_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._core.causes import Cause
    from .._core.run_result import RunResult
    from .._core.verdicts import Observation, Result

_OPEN: Final = {Verdict.FAIL, Verdict.ERROR}
"""The verdicts whose details are open without a click."""


def to_html(run: RunResult) -> str:
    """Return a run as the text of report.html."""
    areas = groupby(run.results, key=lambda result: area_of(result.requirement.id))
    sections = "".join(_area(area, list(results)) for area, results in areas)
    body = (
        f"<header>\n<h1>Videos API conformance</h1>\n{_summary(run)}</header>\n"
        f"<main>\n{_causes(run)}{_filters(run)}{sections}</main>\n"
        f"<footer>Made by openvideos-conformance {shown(run.suite)}, contract {shown(run.contract)}.</footer>\n"
    )
    return page(f"Videos API conformance: {run.subject}", body, has_script=True)


def _summary(run: RunResult) -> str:
    counted = run.counts()
    kind = "headline problem" if run.problem is not None or run.is_interrupted else "headline"
    return (
        f'<p class="{kind}">{shown(headline(run))}</p>\n'
        f'<p class="target"><code>{shown(run.subject)}</code></p>\n'
        f"{_bar(counted)}{_counts(run)}{_profiles(run)}{_facts(run)}"
    )


def _bar(counted: Mapping[Verdict, int]) -> str:
    total = sum(counted.values())
    if not total:
        return ""
    label = ", ".join(f"{number} {WORDS[verdict]}" for verdict, number in counted.items() if number)
    pieces: list[str] = []
    left = 0
    for verdict, number in counted.items():
        if number:
            pieces.append(f'<rect class="{verdict}" x="{left}" width="{number}" height="1"/>')
        left += number
    return (
        f'<svg class="bar" viewBox="0 0 {total} 1" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{''.join(pieces)}</svg>\n"
    )


def _counts(run: RunResult) -> str:
    present = [verdict for verdict, number in run.counts().items() if number or verdict in _OPEN | {Verdict.PASS}]
    head = "".join(f'<th scope="col">{WORDS[verdict]}</th>' for verdict in present)
    rows = ""
    for level in Level:
        counted = run.counts(level)
        if any(counted.values()):
            cells = "".join(
                f"<td{_class(f'{verdict} some' if counted[verdict] else 'none')}>{counted[verdict]}</td>"
                for verdict in present
            )
            rows += f'<tr><th scope="row">{level}</th>{cells}</tr>\n'
    return f'<table class="counts"><thead><tr><th></th>{head}</tr></thead>\n<tbody>{rows}</tbody></table>\n'


def _profiles(run: RunResult) -> str:
    items = "".join(f"<li>{shown(line)}</li>\n" for line in profile_lines(run))
    return f'<ul class="profiles">\n{items}</ul>\n' if items else ""


def _facts(run: RunResult) -> str:
    facts: dict[str, object] = {
        "Began": run.began or "unknown",
        "Took": f"{run.seconds:.1f} s",
        "Videos started": run.videos_started,
        "Not deleted": ", ".join(run.left_over) or "none",
        **({"May still run": "; ".join(run.unaccounted)} if run.unaccounted else {}),
        "Seed": run.seed,
        "Strict": "yes: a SHOULD that fails makes the run fail, too" if run.is_strict else "no",
        "Offered": ", ".join(name for name, has in sorted(run.capabilities.items()) if has) or "unknown",
        "Not offered": ", ".join(name for name, has in sorted(run.capabilities.items()) if not has) or "unknown",
    }
    options = {name: value for name, value in run.target.items() if value not in {None, ""} and name != "base_url"}
    facts["Options"] = (
        ", ".join(f"{name.replace('_', '-')} {value}" for name, value in options.items()) or "the defaults"
    )
    items = "".join(f"<dt>{name}</dt><dd>{shown(value)}</dd>\n" for name, value in facts.items())
    return f'<details class="facts"><summary>About this run</summary>\n<dl>\n{items}</dl></details>\n'


def _filters(run: RunResult) -> str:
    counted = run.counts()
    levels = "".join(_box("level", level, level, "") for level in Level if any(run.counts(level).values()))
    verdicts = "".join(
        _box("verdict", verdict, f"{WORDS[verdict]} {number}", verdict) for verdict, number in counted.items() if number
    )
    # The script shows the filters, since they do nothing without it.
    return (
        '<form class="filters" hidden aria-label="Filter the requirements">'
        f"{levels}{verdicts}"
        '<input type="search" placeholder="Find…" aria-label="Find in the requirements">'
        "<output></output></form>\n"
    )


def _box(name: str, value: str, label: str, kind: str) -> str:
    return f'<label><input type="checkbox" name="{name}" value="{value}"><span{_class(kind)}>{label}</span></label>'


def _causes(run: RunResult) -> str:
    found = causes(run.results)
    if not found:
        return ""
    items = "".join(_cause(each) for each in found)
    number = len({requirement for each in found for requirement in each.requirements})
    head = f"What to mend first <small>{plural(number, 'requirement')}, {plural(len(found), 'cause')}</small>"
    return f"<nav><h2>{head}</h2>\n<ol>\n{items}</ol></nav>\n"


def _cause(cause: Cause) -> str:
    links = " ".join(f'<a href="#{shown(each)}">{shown(each)}</a>' for each in cause.requirements)
    kind = Verdict.FAIL if cause.is_failure else Verdict.WARN
    return (
        f'<li class="cause {kind}"><p><span class="verdict" title="{HARMS[cause.harm]}">{cause.harm}</span> '
        f"<code>{shown(cause.seen)}</code></p>"
        f'<p class="soft">Expected: {shown(cause.expected)}</p><p class="ids">{links}</p></li>\n'
    )


def _area(area: str, results: list[Result]) -> str:
    rows = "".join(_requirement(result) for result in results)
    kept = sum(1 for result in results if result.verdict is Verdict.PASS)
    name = area_name(area)
    return (
        f'<section class="area"><h2>{shown(name)} <small>{kept} of {len(results)} pass</small></h2>\n{rows}</section>\n'
    )


def _requirement(result: Result) -> str:
    requirement = result.requirement
    is_open = " open" if result.counts or result.verdict is Verdict.ERROR else ""
    verdict = "fail" if result.is_stale else result.verdict
    word = "stale" if result.is_stale else WORDS[result.verdict]
    if result.expected is not None:
        word += ", expected"
    return (
        f'<details class="requirement {verdict}" id="{shown(requirement.id)}" data-level="{requirement.level}" '
        f'data-verdict="{result.verdict}"{is_open}>'
        f'<summary><span class="verdict">{word}</span><span class="id">{shown(requirement.id)}</span>'
        f'<span class="level">{requirement.level}</span>'
        f'<span class="statement">{shown(requirement.statement)}</span></summary>\n'
        f'<div class="body">{_details(result)}</div></details>\n'
    )


def _details(result: Result) -> str:
    requirement = result.requirement
    parts: list[str] = []
    if result.is_stale:
        parts.append(
            _paragraph(
                "The failure is expected, but the requirement passes: remove it from the expected failures.", "message"
            )
        )
    if result.message:
        parts.append(_paragraph(result.message, "message"))
    if result.expected is not None:
        parts.append(_paragraph(f"Expected: {result.expected}"))
    parts.append(_paragraph(requirement.why))
    needs = "" if requirement.capability == "core" else f" · needs {shown(requirement.capability)}"
    parts.append(f'<p class="soft">Source: <code>{shown(requirement.source)}</code>{needs}</p>')
    parts += _checks(result.observations, result.message)
    return "".join(parts)


def _paragraph(text: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{shown(text)}</p>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _checks(observations: Iterable[Observation], shown_message: str) -> list[str]:
    passed = [each for each in observations if each.outcome is Outcome.PASSED]
    others = [each for each in observations if each.outcome is not Outcome.PASSED]
    parts: list[str] = []
    for each in others:
        message = "" if each.message == shown_message else _paragraph(each.message, "message")
        exchanges = "".join(_exchange(shown_one) for shown_one in each.evidence)
        head = f'<p class="soft">{OUTCOMES[each.outcome]}: <code>{shown(each.check)}</code></p>'
        parts.append(f'<div class="check">{head}{message}{exchanges}{_more(each.more)}</div>')
    if passed:
        names = ", ".join(f"<code>{shown(each.check)}</code>" for each in passed)
        parts.append(f'<p class="soft">{OUTCOMES[Outcome.PASSED]}: {names}</p>')
    return parts


def _more(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return the findings of a check after the first, which open with a click."""
    if not findings:
        return ""
    items = "".join(
        f"<li>{shown(each.get('message'))}{''.join(_exchange(one) for one in each.get('exchanges', ()))}</li>\n"
        for each in findings
    )
    return f'<details class="more"><summary>And {len(findings)} more</summary>\n<ol>\n{items}</ol></details>'


def _exchange(exchange: Mapping[str, Any]) -> str:
    request, response = _mapping(exchange.get("request")), _mapping(exchange.get("answer"))
    status = response.get("failure") or response.get("status") or "no response"
    body = _body(response)
    message = _message(request)
    return (
        f'<div class="exchange"><h4>{shown(request.get("method"))} {shown(request.get("url"))} → {shown(status)}</h4>'
        f'<div class="curl"><pre>{shown(exchange.get("curl", ""))}</pre>'
        '<button type="button" hidden>Copy</button></div>'
        f"<details open><summary>Response</summary><pre>{shown(_headers(response))}{shown(body)}</pre></details>"
        f"<details><summary>Request</summary><pre>{shown(message)}</pre></details></div>"
    )


def _message(request: Mapping[str, Any]) -> str:
    return f"{request.get('method')} {request.get('url')}\n{_headers(request)}{request.get('body') or ''}"


def _headers(side: Mapping[str, Any]) -> str:
    pairs: list[list[str]] = side.get("headers") or []
    return "".join(f"{name}: {value}\n" for name, value in pairs) + ("\n" if pairs else "")


def _body(response: Mapping[str, Any]) -> str:
    """Return the body of a response, indented if it is JSON."""
    text = str(response.get("body") or "")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
