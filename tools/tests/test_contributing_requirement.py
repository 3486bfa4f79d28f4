"""The requirement that CONTRIBUTING.md adds, done on a copy as it says: catalogue, check, mutant, docs."""

from __future__ import annotations

import re
import shlex
import textwrap

import pytest

from openvideos_conformance._core.catalogue import catalogue

from .changed import Copy
from .project import PROJECT, copy_parts

SECTION = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## Add a requirement")[2].partition("\n## ")[0]
WRITTEN = re.findall(r"VID-([A-Z]+)-(\d+)", SECTION)[0]
OTHERS = (
    *("conformance/openvideos_mutants", "conformance/tests/conformance", "action.yml", "docs", "examples"),
    *("conformance/clients", "conformance/targets"),
)

pytestmark = [pytest.mark.full, pytest.mark.slow]


def blocks(kind: str) -> list[str]:
    """Return the code blocks of a language, under an id that is free, as the catalogue may have grown."""
    area, number = WRITTEN
    taken = [each for each in catalogue() if each.startswith(f"VID-{area}-")]
    text = SECTION.replace(f"VID-{area}-{number}", f"VID-{area}-{len(taken) + 1:03}")
    text = text.replace("the_server_names_its_version", "the_server_of_contributing_names_its_version")
    return [textwrap.dedent(block) for block in re.findall(rf" *```{kind}\n(.*?) *```", text, re.DOTALL)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy in which the blocks stand where the section says."""
    made = Copy(tmp_path_factory.mktemp("requirement"), lambda _: None)
    copy_parts(OTHERS, made.root)
    [entry], [check, mutant] = blocks("yaml"), blocks("python")
    for part, block in {"catalogue": entry, "rule": check, "mutant": mutant}.items():
        [file] = re.findall(rf"\*\*The {part}\b[^`]*`(conformance/\S+\.(?:yaml|py))`", SECTION)
        path = made.root / file
        path.write_text(with_block(path.read_text("utf-8"), block), "utf-8")
    return made


def with_block(text: str, block: str) -> str:
    """Return a file with a block: an entry at the end of its area, code at the end of the file."""
    area = re.match(r"- id: VID-([A-Z]+)-", block)
    if area is None:
        return f"{text.rstrip()}\n\n\n{block}"
    entries = list(re.finditer(rf"- id: VID-{area[1]}-\d+\n(?:  .*\n)+", text))
    return text[: entries[-1].end()] + block + text[entries[-1].end() :]


def test_it_is_finished_when_all_five_stand(copy: Copy) -> None:
    [commands] = blocks("console")
    for words in map(shlex.split, commands.splitlines()):
        if words == ["nox", "-s", "requirements"]:
            run = copy.run("-m", "openvideos_conformance", "requirements", "--markdown")
            (copy.root / "docs/requirements.md").write_text(run.stdout, "utf-8")
        elif words[:4] == ["nox", "-s", "mutants", "--"]:
            run = copy.run("-m", "openvideos_mutants", *words[4:])
            [line] = blocks("text")
            assert " ".join(line.split()) in " ".join(run.stdout.split())
            assert "1 of 1 mutants caught by the right id" in run.stdout
        else:
            assert ["nox", "-s", "tests", "--"] == words[:4]
            run = copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *words[4:])
            assert " passed" in run.stdout
        assert 0 == run.returncode, run.stdout + run.stderr


def test_it_is_not_while_the_docs_are_missing(copy: Copy) -> None:
    (copy.root / "docs/requirements.md").write_text((PROJECT / "docs/requirements.md").read_text("utf-8"), "utf-8")
    run = copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "conformance/tests/conformance/test_catalogue.py")
    assert 1 == run.returncode
    assert "test_the_requirements_in_the_docs_are_those_of_the_catalogue" in run.stdout


def test_every_requirement_has_a_mutant_or_the_tests_fail(copy: Copy) -> None:
    [mutant] = blocks("python")[1:]
    path = copy.root / "conformance/openvideos_mutants/_access.py"
    path.write_text(path.read_text("utf-8").replace(mutant, ""), "utf-8")
    copy_parts(["conformance/tests/mutants"], copy.root)
    run = copy.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "conformance/tests/mutants", "-k", "every_requirement"
    )
    assert 1 == run.returncode, run.stdout + run.stderr
