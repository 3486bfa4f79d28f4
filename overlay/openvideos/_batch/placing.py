"""Decide how a row gets its job, and that it gets no second one. Pure.

A create costs money, and its answer can be lost: with the process, the connection or the server. So an intent, with the
key of the create, is durable before the first byte is sent, and the id right after it has arrived. An intent whose id
is not known is in doubt. A doubt is settled by what the server shows, and where it shows too little, by a person.

`placing` is a generator, as the flows of the SDK are. Its driver carries out each effect, and records the outcome for
ever: a flow that is begun again after a crash is given the recorded outcomes, and goes on with the first effect that
has none. The driver sends the create of an intent once, in the process that recorded the intent. In any other process,
or the second time, the create may have been sent already, and the outcome is a `Doubt`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, TypeAlias

from attrs import frozen

KEY_AGE_S: Final = 23 * 3600.0
"""How long a key is relied on: servers that honour keys keep them for a day (openapi.yaml, Idempotency-Key)."""
MOST_SENDS: Final = 20
MOST_REFUSALS: Final = 5
"""How often a create in doubt is refused under its key, before the list is searched."""
"""How often the answer to a create may be lost before a person has to look."""
MOST_LOOKS: Final = 30
ABSENCES: Final = 2
"""In how many looks, one after the other, a job has to be absent before its create is sent again."""
SHORTEST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


@frozen
class Intend:
    """Record that a create is about to be sent.

    `settled` says that the create of the intent before has surely started no job. Without it, the outcome is a Doubt if
    there is such an intent. Outcome: an Intent, a Doubt, or Held; Placed if the row has a job.
    """

    settled: bool = False


@frozen
class Create:
    """Send the create of the latest intent; `again` under its key, which the server honours.

    Once the key is too old to be relied on, it is not sent again, and the outcome is a Doubt that says so by its age.
    Outcome: Placed, Refused, Busy, Held or a Doubt; or Ambiguous if the answer names a job of another row.
    """

    intent: Intent
    again: bool = False


@frozen
class Look:
    """Look for the job of an intent in the list, and at the ledger. Outcome: a Sight, or Blind."""

    intent: Intent


@frozen
class Adopt:
    """Claim a job for the row. Outcome: whether no other row has it."""

    video_id: str


@frozen
class Sleep:
    """Wait. Outcome: None, `seconds` later."""

    seconds: float


@frozen
class Intent:
    """What is recorded before a create is sent."""

    key: str
    at: float
    """When, in Unix seconds by the server's clock."""


@frozen
class Placed:
    """The row has its job."""

    video_id: str


@frozen
class Refused:
    """The server refused the create, and started no job."""

    code: str
    message: str
    always: bool = False
    """Whether it would have refused an earlier attempt, too: for what is in it, not for its caller or its moment."""


@frozen
class Busy:
    """The server started no job, and may start one later."""

    seconds: float


@frozen
class Doubt:
    """A create may have been carried out, and its answer is not known."""

    intent: Intent
    age: float = 0.0
    """How long ago it was intended, in seconds."""
    honours_keys: bool = False
    """Whether the server honours Idempotency-Key, as far as this process knows; another one may be told otherwise."""


@frozen
class Sight:
    """What the list shows."""

    candidates: tuple[str, ...] = ()
    """The jobs that look as the row's would, and that no row has, the oldest first."""
    near: tuple[str, ...] = ()
    """Jobs that no row has, and that may be the row's: with a prompt that is cut or missing, or with other settings."""
    rivals: int = 0
    """How many other rows look the same and are in doubt, too."""
    under_way: bool = False
    """Whether the create of such a row is being sent at this moment."""
    is_proven: bool = True
    """Whether the list shows a job that this batch started, with its prompt, so that what it lacks is absent."""


@frozen
class Blind:
    """The list cannot be used."""

    reason: str
    may_pass: bool = False


@frozen
class Held:
    """The row stays as it is: the spend limit is reached, or no more jobs are to be started."""


@frozen
class Ambiguous:
    """Nobody but a person can tell whether the row has a job."""

    reason: str
    candidates: tuple[str, ...] = ()


Effect: TypeAlias = Intend | Create | Look | Adopt | Sleep
Outcome: TypeAlias = Placed | Refused | Held | Ambiguous
Placing: TypeAlias = Generator[Effect, Any, Outcome]


def placing(*, settle: float) -> Placing:
    """Give a row its job.

    `settle` is for how many seconds after a create was cut off its job may still appear in the list.
    """
    pause, settled, doubts = SHORTEST_PAUSE_S, False, 0
    while doubts < MOST_SENDS:
        outcome = yield Intend(settled)
        if isinstance(outcome, Intent):
            outcome = yield Create(outcome)
        if isinstance(outcome, Doubt):
            outcome = yield from _repeating(outcome)
        settled = isinstance(outcome, Doubt)
        doubts += settled
        if isinstance(outcome, Doubt):
            outcome = yield from _searching(outcome.intent, settle)
        if isinstance(outcome, Busy):
            yield Sleep(max(outcome.seconds, pause))
            pause = min(2 * pause, LONGEST_PAUSE_S)
        elif isinstance(outcome, (Placed, Refused, Held, Ambiguous)):
            return outcome
    return Ambiguous("its create was sent too often without a clear answer")


def _repeating(doubt: Doubt) -> Generator[Effect, Any, Placed | Refused | Held | Ambiguous | Doubt]:
    """Send a create again under its key, where the server honours it, until its outcome is known."""
    pause, refusals = SHORTEST_PAUSE_S, 0
    while doubt.honours_keys and doubt.age <= KEY_AGE_S and refusals < MOST_REFUSALS:
        outcome = yield Create(doubt.intent, again=True)
        refusals += isinstance(outcome, Refused)
        if isinstance(outcome, (Placed, Held, Ambiguous)) or (isinstance(outcome, Refused) and outcome.always):
            return outcome
        if isinstance(outcome, Doubt):
            doubt = outcome
        # Also of a busy server: the first create may have been carried out, so that only its key settles the doubt.
        yield Sleep(max(outcome.seconds, pause) if isinstance(outcome, Busy) else pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return doubt


def _searching(intent: Intent, settle: float) -> Generator[Effect, Any, Placed | Ambiguous | None]:
    """Look for the job of a create whose answer is lost; None if it has surely started none."""
    yield Sleep(settle)
    absences, pause = 0, SHORTEST_PAUSE_S
    reason: str | None = None
    near: tuple[str, ...] = ()
    for _ in range(MOST_LOOKS):
        sight = yield Look(intent)
        if isinstance(sight, Blind) and not sight.may_pass:
            return Ambiguous(sight.reason)
        if isinstance(sight, Sight) and len(sight.candidates) > sight.rivals + 1:
            return Ambiguous("the list has more jobs like it than rows are in doubt", sight.candidates)
        found = sight.candidates[:1] if isinstance(sight, Sight) and not sight.under_way else ()
        if found and (yield Adopt(found[0])):
            return Placed(found[0])
        reason = _open_question(sight)
        near = sight.near if isinstance(sight, Sight) else ()
        absences = absences + 1 if reason is None else 0
        if absences >= ABSENCES:
            return None
        yield Sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
    return Ambiguous(reason or "its job comes and goes in the list", near)


def _open_question(sight: Sight | Blind) -> str | None:
    """Return why a look does not show that a job is absent; None if it does."""
    match sight:
        case Blind():
            return sight.reason
        case Sight(under_way=True):
            return "the create of an equal row was under way all the time"
        case Sight(candidates=[_, *_]):
            return "each job like it went to another row"
        case Sight(near=[_, *_]):
            return "the list has a job that may be its own, with other settings or another prompt"
        case Sight(is_proven=False):
            return "the list shows no job that this batch started, so that it proves nothing"
        case _:
            return None
