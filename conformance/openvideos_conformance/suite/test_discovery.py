"""Check what a server says of itself, and the extension `sampling`."""

from __future__ import annotations

from typing import Any

import pytest

from .._core.catalogue import CORE
from .._core.exchange import Exchange, json_array
from .._core.operations import MODEL_LIST
from .._core.outcomes import NotReachedError, UnsupportedError
from .._core.profiles import NEED_OPTIONS, claims
from .._core.target import Target
from .._inputs.media_files import image, image_url
from .._judging.assertions import BAD_INPUT, accepted, expect, fits, same, shown, violated
from .._judging.media import Clip, MediaError, clip
from .._probes.creates import create_of, not_busy
from .._pytest.marker import Phase, checks
from .._server.capabilities import DETECTION_JOBS, REFUSED, Capabilities
from .._server.discovery import EXTENSIONS, REFERENCES, SAMPLING
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

SAMPLING_FIELDS = ("seed", "negative_prompt", "fps", "num_frames")


@checks("VID-MODELS-001")
def test_discovery_fits(jobs: JobPool) -> None:
    fits(jobs.discovery.exchange, MODEL_LIST, "discovery")


@checks("VID-MODELS-002", jobs=("defaults",))
def test_a_create_without_a_model_gets_the_default_one(jobs: JobPool, target: Target) -> None:
    defaults = [model.get("id") for model in jobs.discovery.models if model.get("is_default") is True]
    created = create_of(jobs, "defaults")
    if target.model is not None or len(defaults) != 1 or not isinstance(defaults[0], str) or not created.is_ok:
        raise NotReachedError("no create without a model was accepted, or no model is the default", created)
    same(
        created.object.get("model"), defaults[0], "the model of a create without one", jobs.discovery.exchange, created
    )


@checks(
    "VID-MODELS-003",
    phase=Phase.LATE,
    jobs=("json", "reference", "sampled", "references"),
    starts=DETECTION_JOBS["idempotency"],
)
def test_what_is_claimed_is_offered(jobs: JobPool, offered: Capabilities, target: Target) -> None:
    false: dict[str, Exchange | None] = {}
    for claim, capability in claims(jobs.discovery.claim):
        if capability == CORE or capability in NEED_OPTIONS | target.denied:
            continue
        try:
            offered.require(capability)
        except UnsupportedError as problem:
            false[f"{shown(claim)}, but: {problem}"] = None
        refused = _refused(jobs, capability)
        if refused is not None:
            false[f"{shown(claim)}, but: {refused.summary}"] = refused
    if false:
        exchanges = [each for each in false.values() if each is not None]
        raise violated(f"the server claims {'; and '.join(false)}", jobs.discovery.exchange, *exchanges)


def _refused(jobs: JobPool, extension: str) -> Exchange | None:
    """Return the create that has fields of an extension, if the server refuses it although its models take them."""
    name = {SAMPLING: "sampled", REFERENCES: "references"}.get(extension, "")
    takes = [model.get("parameters") for model in jobs.discovery.models if model.get("is_default")]
    fields = {SAMPLING: {*SAMPLING_FIELDS}}.get(extension, {extension})
    if not name or any(isinstance(each, list) and not fields <= {*map(str, json_array(each))} for each in takes):
        return None
    exchange = create_of(jobs, name)
    return exchange if exchange.status in REFUSED else None


# ---------------------------------------------------------------- references
@checks("VID-REFS-001", jobs=("references",))
def test_a_first_and_a_last_frame_are_accepted(jobs: JobPool) -> None:
    accepted(not_busy(create_of(jobs, "references")), "a create with a first and a last frame")


@checks("VID-REFS-002", capability="json", starts=1)
def test_a_reference_of_an_unknown_role_is_refused(client: RecordingClient, target: Target) -> None:
    reference = {"role": "openvideos-no-such-role", "image_url": image_url(target.size)}
    fields = {**target.choice(prompt="A door opens"), "references": [reference]}
    expect(client.post("/videos", json=fields), BAD_INPUT, "a create with a reference of an unknown role")


# ---------------------------------------------------------------- sampling
@checks("VID-SAMPLE-001", jobs=("sampled",))
def test_the_fields_of_sampling_are_repeated(jobs: JobPool) -> None:
    created = jobs["sampled"].created
    for field in SAMPLING_FIELDS:
        sent, seen = created.request_fields[field], created.object.get(field)
        if isinstance(seen, bool) or str(seen) != sent:
            raise violated(f"a create with {field}={sent} returns {field} {shown(seen)}", created)


@checks("VID-SAMPLE-001", jobs=("seed_zero",))
def test_a_seed_of_zero_is_repeated(jobs: JobPool) -> None:
    created = jobs["seed_zero"].created
    seen = created.object.get("seed")
    if isinstance(seen, bool) or seen != 0:
        raise violated(f"a create with seed=0 returns seed {shown(seen)}", created)


@checks("VID-SAMPLE-002", phase=Phase.LATE, jobs=("sampled",))
def test_the_clip_has_the_frames_per_second_of_the_job(client: RecordingClient, jobs: JobPool) -> None:
    fps = _clip(client, jobs, "sampled").fps
    _is_as_requested(jobs, "fps", fps, tolerance=0.01)


@checks("VID-SAMPLE-003", phase=Phase.LATE, jobs=("sampled",))
def test_the_clip_has_the_frames_of_the_job(client: RecordingClient, jobs: JobPool) -> None:
    frames = _clip(client, jobs, "sampled").frames
    _is_as_requested(jobs, "num_frames", frames, tolerance=0)


def _clip(client: RecordingClient, jobs: JobPool, name: str) -> Clip:
    """Return the clip of a completed job.

    Raises:
        OutcomeError: There is none; other checks judge that.

    """
    content = client.get(f"{jobs.completed(name).path}/content")
    try:
        return clip(content.body)
    except MediaError as problem:
        raise NotReachedError(f"the clip of a job with sampling cannot be read: {problem}", content) from problem


def _is_as_requested(jobs: JobPool, field: str, seen: float | None, *, tolerance: float) -> None:
    job = jobs["sampled"]
    if seen is None:
        raise NotReachedError(f"the clip does not tell its {field}", job.created)
    if abs(seen - float(job.created.request_fields[field])) > tolerance:
        requested = job.created.request_fields[field]
        raise violated(f"the clip of a job with {field}={requested} has {seen:g}", job.created)


@checks("VID-SAMPLE-004", phase=Phase.LATE, jobs=("sampled", "sampled_again"))
def test_a_seed_makes_the_same_picture_again(client: RecordingClient, jobs: JobPool) -> None:
    first, second = (_clip(client, jobs, name).first_picture for name in ("sampled", "sampled_again"))
    if first != second:
        created = jobs["sampled"].created, jobs["sampled_again"].created
        raise violated("the clips of two equal creates with one seed begin with different pictures", *created)


@checks("VID-SAMPLE-005", starts=2)
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_field_of_an_extension_that_is_not_offered_is_refused(
    client: RecordingClient, offered: Capabilities, target: Target, extension: str
) -> None:
    if offered.has(extension):
        raise UnsupportedError(f"the server offers {extension}, of which this check sends a field")
    field: dict[str, Any] = {"seed": "7"} if extension == SAMPLING else {"references[first_frame]": image(target.size)}
    exchange = client.post("/videos", form={**target.choice(prompt="A lantern in the fog"), **field})
    expect(exchange, BAD_INPUT, f"a create with {next(iter(field))}, which the server does not say that it offers,")
