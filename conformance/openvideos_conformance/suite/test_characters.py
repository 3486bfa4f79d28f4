"""Check creating and retrieving characters."""

from __future__ import annotations

import pytest

from .._core.contract import Contract
from .._core.exchange import Exchange
from .._core.operations import CHARACTER
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, accepted, expect, fits, shown, violated
from .._probes.creates import not_busy
from .._pytest.marker import Phase, checks
from .._server.downloads import Files
from .._server.recording_client import RecordingClient

CHARACTERS = "/videos/characters"


def _created(character: Exchange) -> Exchange:
    if not character.is_ok or not job_id(character):
        raise NotReachedError(f"the character was not created: {character.summary}", character)
    return character


@checks("VID-CHAR-001", phase=Phase.LATE)
def test_a_name_and_a_video_make_a_character(character: Exchange) -> None:
    # The rule of this requirement judges whether it fits its schema.
    name = accepted(not_busy(character), "creating a character").object.get("name")
    requested = character.request_fields["name"]
    if name != requested:
        raise violated(f"a character that was created as {requested!r} has the name {shown(name)}", character)


@checks("VID-CHAR-002", phase=Phase.LATE)
def test_a_character_is_retrieved_as_it_was_created(
    client: RecordingClient, character: Exchange, contract: Contract
) -> None:
    created = _created(character)
    exchange = client.get(f"{CHARACTERS}/{job_id(created)}")
    seen = fits(exchange, CHARACTER, "retrieving a character")
    for field in sorted(contract.schema("Character")["properties"]):
        before, now = created.object.get(field), seen.get(field)
        if before != now:
            raise violated(
                f"the {field} of a character is {shown(now)}, and was {shown(before)} when it was created",
                created,
                exchange,
            )


@checks("VID-CHAR-003")
def test_a_character_that_was_never_created_is_unknown(client: RecordingClient) -> None:
    exchange = client.get(f"{CHARACTERS}/char_{'0' * 32}")
    # Servers whose ids have another form may refuse this one as malformed.
    expect(exchange, {404} | BAD_INPUT, "retrieving a character that was never created")


@checks("VID-CHAR-003", phase=Phase.LATE)
def test_an_id_like_that_of_a_character_is_unknown(client: RecordingClient, character: Exchange) -> None:
    exchange = client.get(f"{CHARACTERS}/{unknown_like(job_id(_created(character)))}")
    expect(exchange, 404, "retrieving a character that was never created")


@checks("VID-CHAR-004", phase=Phase.LATE)
@pytest.mark.parametrize("wrong", ["no name", "an empty name", "a name that is too long"])
def test_a_character_without_a_legal_name_is_refused(
    client: RecordingClient, files: Files, contract: Contract, wrong: str
) -> None:
    longest = int(contract.at("#/components/schemas/CreateCharacterForm/properties/name")["maxLength"])
    names = {"no name": {}, "an empty name": {"name": ""}, "a name that is too long": {"name": "n" * (longest + 1)}}
    form = {**names[wrong], "video": ("ada.mp4", files.upload, "video/mp4")}
    expect(client.post(CHARACTERS, form=form), BAD_INPUT, f"creating a character with {wrong}")


@checks("VID-CHAR-004")
def test_a_character_without_a_video_is_refused(client: RecordingClient) -> None:
    expect(client.post(CHARACTERS, form={"name": "Ada"}), BAD_INPUT, "creating a character without a video")
