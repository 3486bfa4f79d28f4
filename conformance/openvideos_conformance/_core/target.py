"""Define the options of a run, and validate them into a target. The command line and the pytest plugin share this."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from .catalogue import CORE, capabilities
from .contract import contract
from .profiles import beyond, profiles, promised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contract import Contract

KEY_VARIABLE: Final = "OPENVIDEOS_API_KEY"
OTHER_KEY_VARIABLE: Final = "OPENVIDEOS_OTHER_API_KEY"
URL_VARIABLE: Final = "OPENVIDEOS_BASE_URL"

MAX_GENERATED_JOBS: Final = 12
"""How many jobs generated requests may start in a run."""

_MAX_PORT: Final = 65_535
_SHOWN: Final = 6


class TargetError(ValueError):
    """An option cannot be used. The message names the option and the remedy, and shows no secret."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a run. `names` are its spellings; the first one is shown in help."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    default: str | None = None

    @property
    def dest(self) -> str:
        """The name under which `Target.of` finds the value."""
        return self.names[0].removeprefix("--").replace("-", "_")


OPTIONS: Final = (
    Option(
        ("--base-url",),
        f"the base URL of the API, such as http://127.0.0.1:8000/v1 (default: {URL_VARIABLE})",
        metavar="URL",
    ),
    Option(
        ("--api-key",),
        f"the key (default: {KEY_VARIABLE}, which other users of the machine cannot see)",
        metavar="KEY",
    ),
    Option(
        ("--other-api-key",),
        f"the key of a caller who may not see the videos of the first (default: {OTHER_KEY_VARIABLE})",
        metavar="KEY",
    ),
    Option(("--model",), "a model that the server offers (default: the contract's)"),
    Option(("--size",), "a size that the server offers, such as 720x1280; small ones cost less"),
    Option(("--seconds",), "a duration that the server offers; short ones cost less"),
    Option(
        ("--failing-prompt",),
        "a prompt that makes a job fail; without one, failed jobs are not judged",
        metavar="PROMPT",
    ),
    Option(
        ("--profile",),
        "judge by a profile of the contract: core, standard or full (default: by all that the server offers)",
        metavar="NAME",
    ),
    Option(
        ("--capabilities",),
        "what the server offers and does not offer, such as remix,-edits (default: detected)",
        metavar="WORDS",
    ),
    Option(("--max-videos",), "how many videos the run may start (default: 50)", metavar="N", default="50"),
    Option(("--deadline",), "how long to wait for videos (default: 600)", metavar="S", default="600"),
    Option(
        ("--timeout", "--answer-timeout"),
        "how long to wait for a response (default: 30)",
        metavar="S",
        default="30",
    ),
    Option(
        ("--rate",),
        "how many requests are sent at most, such as 5/s or 60/m (default: as many as the server bears)",
        metavar="N/s",
    ),
    Option(("--seed", "--suite-seed"), "the seed of generated requests (default: 0)", metavar="N", default="0"),
    Option(
        ("--examples",),
        "how many requests are generated for each operation (default: 20)",
        metavar="N",
        default="20",
    ),
    Option(
        ("--generation-time",),
        "for how long requests are generated at most (default: 30)",
        metavar="S",
        default="30",
    ),
    Option(("--webhook-port",), "the port on this machine that the server sends its events to", metavar="PORT"),
    Option(("--webhook-secret",), "the secret that the server signs its events with", metavar="SECRET"),
    Option(
        ("--webhook-patience",),
        "how long to wait until an event is sent again (default: 60)",
        metavar="S",
        default="60",
    ),
)
"""The options of which a Target is made. Each value is a text, or None if the option is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and the options by which it is judged.

    `base_url` ends with the prefix, such as `/v1`. `model`, `size` and `seconds` are values that the server offers;
    None means the contract's default. `max_videos` limits the jobs that a run starts, `deadline` the seconds that it
    waits for them, and for a server that is busy, and `timeout` the seconds that it waits for one response.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    other_api_key: str | None = field(default=None, repr=False)
    """The key of a caller who may not see the videos that this run starts with its own key."""
    model: str | None = None
    size: str | None = None
    seconds: str | None = None
    failing_prompt: str | None = None
    profile: str | None = None
    """The profile that the run is limited to; None if it has no such limit."""
    declared: frozenset[str] = frozenset()
    """The capabilities that the operator says the server has, also by the profile; they are not detected."""
    denied: frozenset[str] = frozenset()
    """The capabilities that the operator says the server does not have, and those beyond the profile."""
    max_videos: int = 50
    deadline: float = 600.0
    timeout: float = 30.0
    rate: float | None = None
    """How many requests are sent in a second at most; None means as many as the server bears."""
    seed: int = 0
    examples: int = 20
    """How many requests are generated for each operation, beside those at the limits of its schema."""
    generation_time: float = 30.0
    """For how many seconds requests are generated at most."""
    webhook_port: int | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_patience: float = 60.0
    """How long the server may wait before it sends an event again, in seconds."""

    @classmethod
    def of(cls, texts: Mapping[str, str | None], environment: Mapping[str, str]) -> Target:
        """Return the target that these values of OPTIONS, by their `dest`, and the environment variables describe.

        Raises:
            TargetError: A value cannot be used.

        """

        def text(name: str) -> str | None:
            return texts.get(name)

        def number(name: str) -> tuple[str, str]:
            """Return how an option is spelled, and its value or its default. An empty value is no value."""
            option = next(each for each in OPTIONS if each.dest == name)
            value = text(name)
            return " / ".join(option.names), str(option.default) if value is None else value

        def key(name: str, variable: str) -> str | None:
            given = text(name)
            return _key(environment.get(variable) if given is None else given, name, variable)

        own, other = key("api_key", KEY_VARIABLE), key("other_api_key", OTHER_KEY_VARIABLE)
        if other is not None and other == own:
            raise TargetError(f"--other-api-key or {OTHER_KEY_VARIABLE} is the key of the run; give another caller's")
        port = text("webhook_port")
        profile = _profile(text("profile"))
        declared, denied = _capabilities(text("capabilities") or "", profile)
        return cls(
            base_url=_url(text("base_url") or environment.get(URL_VARIABLE, "")),
            api_key=own,
            other_api_key=other,
            model=text("model"),
            size=_chosen("--size", text("size"), "VideoSize", "WIDTHxHEIGHT in pixels"),
            seconds=_chosen("--seconds", text("seconds"), "VideoSeconds", "a whole number of seconds"),
            failing_prompt=text("failing_prompt"),
            profile=profile,
            declared=declared,
            denied=denied,
            max_videos=_count(*number("max_videos")),
            deadline=duration(*number("deadline")),
            timeout=duration(*number("timeout")),
            rate=_rate(text("rate")),
            seed=_seed(*number("seed")),
            examples=_count(*number("examples")),
            generation_time=duration(*number("generation_time")),
            webhook_port=None if port is None else _port(*number("webhook_port")),
            webhook_secret=text("webhook_secret"),
            webhook_patience=duration(*number("webhook_patience")),
        )

    def denial(self, capability: str) -> str | None:
        """Return why the run does not judge a capability; None if the operator does not exclude it."""
        if capability not in self.denied:
            return None
        if self.profile is not None and capability in beyond(self.profile):
            return f"{capability} is beyond the profile {self.profile}"
        return f"the server does not offer {capability}, as --capabilities says"

    def duration(self, contract: Contract) -> str:
        """Return the seconds for requests that must name them: those of the operator, or of the contract's example."""
        return self.seconds or contract.example("VideoSeconds")

    def choice(self, **fields: str) -> dict[str, str]:
        """Return these fields of a create, with the model, size and seconds that the operator has chosen."""
        chosen = {"model": self.model, "size": self.size, "seconds": self.seconds}
        return {**{name: value for name, value in chosen.items() if value is not None}, **fields}


def duration(option: str, text: str) -> float:
    """Return a time in seconds.

    Raises:
        TargetError: The text is not a time.

    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 < seconds < 1e6:  # noqa: PLR2004 - eleven days; a NaN is not
        return seconds
    raise TargetError(f"{option} {_shown(text)} is not a time in seconds; use a number above 0")


def _url(text: str) -> str:
    if not text:
        raise TargetError(f"name the server to judge with --base-url, or set {URL_VARIABLE}")
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url, parts = False, urlsplit("")
    if "@" in text:  # the URL may contain a password, so it is not shown
        raise TargetError("--base-url contains a name or a password; give the key with --api-key")
    if not is_url or parts.query or parts.fragment or not text.isprintable() or " " in text:
        # A part of it may be a key, so it is not shown.
        raise TargetError(
            "--base-url is not the URL of an API, or has a query; use one such as http://127.0.0.1:8000/v1"
        )
    return text


def _key(key: str | None, name: str, variable: str) -> str | None:
    if not key:
        return None
    if not all("!" <= char <= "~" for char in key):
        option = name.replace("_", "-")
        raise TargetError(f"the key must be printable ASCII without spaces; see --{option} and {variable}")
    return key


def _chosen(option: str, text: str | None, schema: str, form: str) -> str | None:
    """Return what a create is to name, which the contract has to allow: files of the same kind are made of it, too."""
    if text is None or not contract().flaws(text, f"#/components/schemas/{schema}"):
        return text
    raise TargetError(f"{option} {_shown(text)} is not {form}; use one such as {contract().example(schema)}")


def _profile(name: str | None) -> str | None:
    if name is None or name in profiles():
        return name
    raise TargetError(f"--profile {_shown(name)} is no profile; use {', '.join(profiles())}")


def _capabilities(words: str, profile: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Return the capabilities that a text such as `remix,-edits` declares and denies; `all` stands for every one.

    A profile declares what it promises and denies what is beyond it, except for what the text says.
    """
    known = capabilities()
    wanted: set[str] = set()
    denied: set[str] = set()
    for word in words.replace(",", " ").split():
        name = word.removeprefix("-")
        if name != "all" and name not in known:
            raise TargetError(f"--capabilities: there is no {name!r}; use {', '.join(known)}, or all")
        (denied if word.startswith("-") else wanted).update(known if name == "all" else {name})
    wanted -= denied
    if profile is None:
        return frozenset(wanted), frozenset(denied)
    return (promised(profile) - {CORE} - denied) | wanted, (beyond(profile) - wanted) | denied


def _count(option: str, text: str) -> int:
    if _is_number(text, digits=8) and int(text) > 0:
        return int(text)
    raise TargetError(f"{option} {_shown(text)} is not a whole number; use 1 or more")


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    amount, slash, unit = text.partition("/")
    seconds = {"s": 1, "m": 60}.get(unit if slash else "s")
    if seconds is not None and _is_number(amount, digits=6) and int(amount) > 0:
        return int(amount) / seconds
    raise TargetError(f"--rate {_shown(text)} is not a rate; use one such as 5/s, or 60/m for a minute")


def _seed(option: str, text: str) -> int:
    if text == "random":
        return secrets.randbelow(1 << 31)
    if _is_number(text, digits=15):
        return int(text)
    raise TargetError(f"{option} {_shown(text)} is not a seed; use a number from 0, or random")


def _port(option: str, text: str) -> int:
    if _is_number(text, digits=5) and 0 < int(text) <= _MAX_PORT:
        return int(text)
    raise TargetError(f"{option} {_shown(text)} is not a port; use a number from 1 to {_MAX_PORT}")


def _is_number(text: str, *, digits: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= digits


def _shown(text: str) -> str:
    """Return a value as a message shows it: its beginning, since it may be a key that was given to the wrong option."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
