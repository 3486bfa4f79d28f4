"""Test that the tables of docs/contract.md are those of the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CONTRACT: dict[str, Any] = yaml.load((ROOT / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader)
TEXT = (ROOT / "docs/contract.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its head."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(*names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)


def test_the_error_codes() -> None:
    assert table("Error codes") == [
        [code(name), ", ".join(map(str, said["status"])), "yes" if said["retryable"] else "no", said["description"]]
        for name, said in CONTRACT["x-error-codes"].items()
    ]


def test_the_profiles() -> None:
    rows = []
    for name, said in CONTRACT["x-profiles"].items():
        included = f"those of `{said['includes']}`, " if "includes" in said else ""
        operations = included + code(*said["operations"])
        rows.append([code(name), said["description"], operations, code(*said["capabilities"]) or "none"])
    assert table("Profiles") == rows


def test_the_extensions() -> None:
    schemas = CONTRACT["components"]["schemas"]
    fields = {
        field: schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        for field, schema in schemas["CreateVideoJson"]["properties"].items()
    }
    for name, listed, _ in table("Extensions"):
        own = [field for field, schema in fields.items() if f"`{schema.get('x-extension')}`" == name]
        assert own
        assert listed.partition(";")[0] == code(*own)
    known = CONTRACT["components"]["schemas"]["ContractClaim"]["properties"]["extensions"]["items"]["x-known-values"]
    assert {name for name, *_ in table("Extensions")} <= {code(name) for name in known}


def test_the_newest_revision_and_each_kept_one_has_a_section() -> None:
    kept = sorted((path.parent.name for path in ROOT.glob("contract/*/openapi.yaml")), reverse=True)
    section = TEXT.partition("\n## Revisions\n")[2].partition("\n## ")[0]
    told = [line.removeprefix("### ") for line in section.splitlines() if line.startswith("### ")]
    assert kept == told, f"docs/contract.md: give each revision a section below Revisions: {', '.join(kept)}"


def test_what_is_recommended_stands_in_prose() -> None:
    """Renderers do not show the keyword."""
    for name, schema in CONTRACT["components"]["schemas"].items():
        said = [field for field in schema.get("x-recommended", []) if f"`{field}`" not in schema["description"]]
        assert [] == said, name
