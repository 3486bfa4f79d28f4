"""Test the requests that must be refused, and the fields that their errors may name."""

from __future__ import annotations

from collections import Counter

import pytest

from openvideos_conformance._core.catalogue import catalogue
from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.request_validation import judge_request
from openvideos_conformance._core.target import Target
from openvideos_conformance._inputs.hostile import hostile_ids, hostile_json
from openvideos_conformance._inputs.invalid import BOUNDARY, cases, field_names, misspelt, multipart, named

CONTRACT = contract()
TARGETS = [
    Target(base_url="http://server/v1"),
    Target(base_url="http://server/v1", model="m", size="64x48", seconds="1"),
]


@pytest.mark.parametrize("target", TARGETS, ids=["nothing is known", "all is known"])
def test_every_case_is_forbidden_by_the_contract(target: Target) -> None:
    for case in cases(CONTRACT, target, "marker"):
        if case.method != "POST" or case.requirement in {"VID-VALID-008", "VID-VALID-009"}:
            continue  # malformed bodies are not parsed here
        if "json" in case.options:
            assert CONTRACT.flaws(case.options["json"], "#/components/schemas/CreateVideoJson"), case.what
        elif "form" in case.options:
            assert CONTRACT.flaws(case.options["form"], "#/components/schemas/CreateVideoForm"), case.what
        else:
            media_type = case.options.get("headers", {}).get("content-type", "")
            body = case.options.get("content", b"")
            legality = judge_request(CONTRACT, "create_video", query="", media_type=media_type, body=body)
            assert legality.is_illegal, case.what


@pytest.mark.parametrize("target", TARGETS)
def test_cases_have_unique_descriptions_and_belong_to_a_requirement(target: Target) -> None:
    made = cases(CONTRACT, target, "marker")
    assert 1 == Counter(case.what for case in made).most_common(1)[0][1]
    assert {case.requirement for case in made} <= set(catalogue())
    assert {f"VID-VALID-{number:03}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)} <= {
        case.requirement for case in made
    }


def test_the_whole_parts_of_a_form_that_is_cut_after_the_prompt_are_a_create() -> None:
    for target in TARGETS:
        (cut,) = [case for case in cases(CONTRACT, target, "marker") if case.what.endswith("cut after the prompt")]
        delimiter = f"--{BOUNDARY}".encode()
        whole = cut.options["content"].rpartition(delimiter)[0] + delimiter + b"--\r\n"
        media_type = cut.options["headers"]["content-type"]
        legality = judge_request(CONTRACT, "create_video", query="", media_type=media_type, body=whole)
        assert legality.is_legal
        assert target.choice(prompt=legality.fields["prompt"]) == legality.fields


def test_what_has_a_prompt_has_the_marker_in_it() -> None:
    for case in cases(CONTRACT, TARGETS[1], "marker"):
        fields = case.options.get("form") or case.options.get("json") or {}
        prompt = fields.get("prompt")
        if prompt and "prompt" not in case.wrong:
            assert "marker" in prompt, case.what


def test_the_longest_prompt_is_one_too_long() -> None:
    limit = CONTRACT.schema("Prompt")["maxLength"]
    made = [case for case in cases(CONTRACT, TARGETS[0], "marker") if case.requirement == "VID-VALID-003"]
    assert {len((case.options.get("form") or case.options["json"])["prompt"]) for case in made} == {limit + 1}


def test_misspelt_texts_are_near_the_legal_one_and_never_it() -> None:
    assert "64x48" not in misspelt("64x48")
    assert {"64*48", "64x", "x48", "64"} <= set(misspelt("64x48"))
    assert "4" not in misspelt("4")


def test_a_form_is_written_as_servers_read_it() -> None:
    body = multipart({"prompt": "Ein Boot", "size": "64x48"})
    assert 3 == body.count(f"--{BOUNDARY}".encode())
    assert body.endswith(f"--{BOUNDARY}--\r\n".encode())
    media_type = f"multipart/form-data; boundary={BOUNDARY}"
    legality = judge_request(CONTRACT, "create_video", query="", media_type=media_type, body=body)
    assert legality.is_legal
    assert {"prompt": "Ein Boot", "size": "64x48"} == legality.fields


@pytest.mark.parametrize(
    ("param", "names"),
    [
        ("prompt", {"prompt"}),
        ("body.prompt", {"prompt"}),
        ("prompt[0]", {"prompt"}),
        ('["body","prompt"]', {"prompt"}),
        ("input_reference.image_url", {"input_reference", "image_url"}),
        ("body", set()),
        ("prompts", set()),
        ("", set()),
        (None, set()),
        (["body", "prompt"], set()),
    ],
)
def test_the_names_in_a_param_are_found(param: object, names: set[str]) -> None:
    assert names == named(param, field_names(CONTRACT))


def test_the_names_of_fields_are_those_of_the_contract() -> None:
    assert {
        *("prompt", "model", "seconds", "size", "input_reference", "image_url", "file_id"),
        *("input_reference[image_url]", "input_reference[file_id]"),
        *("after", "limit", "order"),
        *("seed", "negative_prompt", "fps", "num_frames", "references"),
        *(f"references[{role}]" for role in ("first_frame", "last_frame", "reference")),
    } == field_names(CONTRACT)


def test_hostile_ids_are_one_step_of_a_path_each() -> None:
    steps = hostile_ids("video_1")
    assert all("/" not in step and step.isascii() and step.isprintable() for step in steps.values())
    assert len(set(steps.values())) == len(steps)
    assert "video_1" not in steps.values()


def test_hostile_bodies_are_no_creates() -> None:
    for what, body in hostile_json("marker", {"size": "64x48"}).items():
        legality = judge_request(CONTRACT, "create_video", query="", media_type="application/json", body=body)
        assert not legality.is_legal, what


def test_forms_are_distinguished_from_json() -> None:
    made = cases(CONTRACT, TARGETS[1], "marker")
    assert all(case.is_form for case in made if case.requirement == "VID-VALID-009")
    assert not any(case.is_form for case in made if case.is_json)
    assert {True, False} == {case.is_form for case in made if case.requirement == "VID-VALID-001"}
