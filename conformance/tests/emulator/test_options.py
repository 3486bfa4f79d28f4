"""Each option of the command can be a variable of the environment, under a name that follows from the option's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openvideos_emulator._imitations.servers import IMITATIONS
from openvideos_emulator._options import PREFIX, read_options

VALUES: dict[str, tuple[str, str, Any]] = {
    # by its name: a text and another text for it, and the value of the first
    "port": ("9000", "9001", 9000),
    "host": ("::1", "localhost", "::1"),
    "api-key": ("sk-1", "sk-2", "sk-1"),
    "allow-host": ("A.example,b", "c", ("a.example", "b")),
    "db": ("a.db", ":memory:", Path("a.db")),
    "ephemeral": ("YES", "0", True),
    "pace": ("polls:3", "manual", "polls:3"),
    "profile": ("sora", "default", "sora"),
    "webhook-url": ("http://a/", "http://b/", "http://a/"),
    "webhook-secret": ("whsec_a", "whsec_b", "whsec_a"),
    "imitate": ("sglang", "vllm-omni", "sglang"),
    "isolate-keys": ("on", "off", True),
    "quiet": ("1", "no", True),
    "log-format": ("json", "text", "json"),
}
WRONG = {"allow-host": "a:80", "api-key": "a b", "ephemeral": "2", **dict.fromkeys(("imitate", "pace", "port"), "x")}


def variable(name: str) -> str:
    return f"OPENVIDEOS_EMULATOR_{name.replace('-', '_').upper()}"


def value(name: str, arguments: list[str], environ: dict[str, str]) -> Any:
    return getattr(read_options(arguments, environ), name.replace("-", "_"))


def test_the_values_are_those_of_all_options() -> None:
    assert {name.replace("-", "_") for name in VALUES} == set(vars(read_options([], {})))
    assert variable("port").startswith(PREFIX)


@pytest.mark.parametrize("name", VALUES)
class TestEachOption:
    def test_a_variable_is_as_good_as_an_argument(self, name: str) -> None:
        text, _, expected = VALUES[name]
        by_variable = value(name, [], {variable(name): text})
        by_argument = value(name, [f"--{name}={text}"], {})
        assert expected == by_variable
        assert expected == (tuple(by_argument) if name == "allow-host" else by_argument)

    def test_an_argument_takes_precedence(self, name: str) -> None:
        text, other, _ = VALUES[name]
        for environ in ({variable(name): text}, {variable(name): "\x00 wrong"}):
            assert value(name, [f"--{name}={other}"], environ) == value(name, [f"--{name}={other}"], {})

    def test_an_empty_variable_counts_as_unset(self, name: str) -> None:
        assert value(name, [], {variable(name): ""}) == value(name, [], {})

    def test_the_help_names_the_variable(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            read_options(["--help"], {})
        assert f"[{variable(name)}]" in "".join(capsys.readouterr().out.split())


def test_the_help_names_all_imitations(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit, match="0"):
        read_options(["--help"], {})
    assert f"imitated: {', '.join(IMITATIONS)} (default" in capsys.readouterr().out


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_options([], {variable(name): WRONG[name]})
    said = capsys.readouterr().err
    assert said.startswith(f"openvideos-emulator: {variable(name)}: ")
    assert 1 == said.count("\n")


def test_hosts_come_with_commas_and_one_by_one() -> None:
    assert ["a", "b", "c"] == read_options(["--allow-host", "a, B.", "--allow-host=c"], {}).allow_host


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (["--ephemeral"], {}, None),
        (["--ephemeral=no"], {"EPHEMERAL": "1"}, "openvideos-emulator.db"),
        (["--ephemeral"], {"DB": "a.db"}, None),
        (["--db", "a.db"], {"EPHEMERAL": "1"}, "a.db"),
        ([], {"DB": "a.db", "EPHEMERAL": "1"}, None),
        ([], {"DB": ":memory:"}, None),
        (["--db=:memory:"], {}, None),
    ],
)
def test_what_keeps_jobs_is_said_by_two_options(
    arguments: list[str], environ: dict[str, str], expected: str | None
) -> None:
    named = {f"{PREFIX}{name}": text for name, text in environ.items()}
    assert (expected and Path(expected)) == read_options(arguments, named).db


@pytest.mark.parametrize(
    ("name", "text"),
    [("api-key", "sk-1"), ("db", "a.db"), ("webhook-url", "http://a/"), ("webhook-secret", "whsec_a")],
)
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_separate_keys_go_with_no_key_no_database_and_no_webhooks(
    name: str, text: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, environ = ([f"--{name}={text}"], {}) if way == "argument" else ([], {variable(name): text})
    for isolating in (["--isolate-keys"], {"OPENVIDEOS_EMULATOR_ISOLATE_KEYS": "1"}):
        switched, more = (isolating, {}) if isinstance(isolating, list) else ([], isolating)
        with pytest.raises(SystemExit, match="2"):
            read_options([*switched, *arguments], {**environ, **more})
        named = f"--{name}" if way == "argument" else variable(name)
        assert f"leave out {named}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "environ"), [([], {}), (["--db=:memory:"], {}), (["--ephemeral"], {"OPENVIDEOS_EMULATOR_DB": "a.db"})]
)
def test_separate_keys_go_with_what_keeps_nothing(arguments: list[str], environ: dict[str, str]) -> None:
    options = read_options(["--isolate-keys", "--allow-host=box", *arguments], environ)
    assert (None, ["box"]) == (options.db, options.allow_host)
