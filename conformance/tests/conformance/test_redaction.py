"""Test that no report holds a secret, however a server spells it."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from xml.sax.saxutils import unescape

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from openvideos_conformance._core.evidence import evidence
from openvideos_conformance._core.redaction import redacted, secrets_of
from openvideos_conformance._core.target import Target
from openvideos_conformance._core.verdicts import Observation, Outcome
from openvideos_conformance._reports.comparison import read, to_html, to_markdown
from openvideos_conformance._reports.html import to_html as report_page
from openvideos_conformance._reports.terminal import summary
from openvideos_conformance._reports.write import write

from .runs import BASE_URL, exchange, run

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40)
PLAIN_KEYS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\"), min_size=8, max_size=40
)
"""Keys without a backslash, which could not be told from that of an escape behind it."""


OWN_TEXT = to_html([]) + report_page(run())
"""What stands in reports whatever a server sends: a key may be a word of it, such as Infinity."""


def _unicode(char: str, *, is_upper: bool) -> str:
    return "\\u" + (f"{ord(char):04X}" if is_upper else f"{ord(char):04x}")


SPELLINGS: list[Callable[[str], str]] = [
    lambda char: char,
    lambda char: json.dumps(char)[1:-1],
    lambda char: "\\/" if char == "/" else json.dumps(char)[1:-1],
    lambda char: _unicode(char, is_upper=False),
    lambda char: _unicode(char, is_upper=True),
    lambda char: json.dumps(_unicode(char, is_upper=False))[1:-1],
    lambda char: f"%{ord(char):02X}",
    lambda char: f"%{ord(char):02x}",
    lambda char: f"%25{ord(char):02x}",
    lambda char: f"\\u0025{ord(char):02x}",
    lambda char: f"&#{ord(char)};",
    lambda char: f"&#x{ord(char):X};",
    html.escape,
    lambda char: repr(char)[1:-1],
    lambda char: f"\\x{ord(char):02x}",
]


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a key and a spelling of it, in which each character may be escaped in a way of its own."""
    key = draw(PLAIN_KEYS)
    ways = draw(st.lists(st.sampled_from(SPELLINGS), min_size=len(key), max_size=len(key)))
    return key, "".join(way(char) for way, char in zip(ways, key, strict=True))


def target(key: str, hook: str | None = None) -> Target:
    return Target(base_url=BASE_URL, api_key=key, webhook_secret=hook)


def decoded(text: str) -> list[str]:
    """Return a text, and what it is after the decoding that a reader may do."""

    def unescaped(escaped: str) -> str:
        chars = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), escaped)
        return re.sub(r'\\(["\\/])', r"\1", chars)

    seen = [text]
    for way in (unescaped, unquote, html.unescape, unescape):
        seen += [way(each) for each in seen]
    return seen


@given(spelled(), st.text(st.characters(codec="ascii")), st.text(st.characters(codec="ascii")))
def test_a_key_is_found_in_every_spelling(pair: tuple[str, str], before: str, after: str) -> None:
    key, spelling = pair
    for text in (spelling, f"{before} {spelling} {after}"):
        cleaned = redacted(text, (key,))
        assert "***" in cleaned
        assert key not in cleaned.replace(before, "").replace(after, "") or key in before + after
    assert b"***" in redacted(spelling.encode(), (key,))


@given(KEYS)
def test_a_key_with_a_backslash_is_found_where_all_of_it_is_escaped_alike(key: str) -> None:
    for spelling in (key, json.dumps(key)[1:-1], repr(key)[1:-1], quote(key, safe=""), html.escape(key)):
        assert "***" == redacted(spelling, (key,))


@given(st.text(), st.text(min_size=20))
def test_other_text_stays_as_it_is(text: str, secret: str) -> None:
    assert redacted(text, (secret,)) == text or secret in text or "\\" in text + secret or "%" in text or "&" in text
    assert redacted({"a": [text]}, ()) == {"a": [text]}


@settings(max_examples=settings().max_examples // 2)  # every report is made each time
@given(spelled())
def test_no_report_holds_a_key_in_any_decoded_form(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[str, str]
) -> None:
    key, spelling = pair
    assume(key not in OWN_TEXT)
    directory = tmp_path_factory.mktemp("reports")
    secrets = secrets_of(target(key))
    bodies = [f'{{"message": "{spelling}"}}'.encode(), b"x" * 4090 + spelling.encode(), (spelling * 400).encode()]
    shown = [
        evidence(
            exchange(
                body=body,
                headers=(("x-key", "y" * 500 + spelling), (spelling, "1")),
                path=f"/videos/{spelling}",
                query=f"after={spelling}",
                request_fields={"prompt": spelling},
                request_body=body,
                failure=spelling,
            ),
            BASE_URL,
            secrets,
        )
        for body in bodies
    ]
    found = Observation(
        requirement="VID-LIST-003",
        check="test_it",
        layer="scenario",
        outcome=Outcome.VIOLATED,
        message=redacted(f"it is {spelling}", secrets),
        evidence=tuple(shown),
    )
    made = run(found)
    files = write(made, directory)
    compared = [read(str(directory / "report.json"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for text in (*texts, summary(made), to_html(compared), to_markdown(compared)):
        assert not any(key in each for each in decoded(text))


def test_what_the_suite_makes_of_the_key_is_secret_too() -> None:
    key = "sk-openvideos-0123456789"
    pairs = [base64.b64encode(pair.encode()).decode() for pair in (f"{key}:", f"user:{key}")]
    for text in (*pairs, key[:-1], key[::-1], key.swapcase(), f"x{key}"):
        cleaned = redacted(f"Basic {text}", secrets_of(target(key)))
        assert len(cleaned) < len("Basic ****==")


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_a_key_is_found_in_other_encodings(before: bytes, after: bytes) -> None:
    key = "sk-break-Other_Key.42"
    secrets = secrets_of(Target(base_url="http://a/v1", api_key=key))
    within = base64.b64encode(before + key.encode() + after).decode()
    for spelled in (within, key.upper(), key.lower(), key.encode().hex(), key.encode().hex().upper()):
        shown = redacted(f"the key is {spelled}.", secrets)
        assert "***" in shown
        assert spelled not in shown


def test_a_key_that_may_be_a_part_of_a_word_is_not_looked_for() -> None:
    assert () == secrets_of(target("k"))
    assert ("sk-01234",) == tuple(each for each in secrets_of(target("sk-01234")) if each.startswith("sk"))


def test_a_place_that_a_redirect_leads_to_holds_no_key() -> None:
    key = "sk-openvideos-0123456789"
    shown = evidence(exchange(elsewhere=f"https://files.test/{key}/a"), BASE_URL, secrets_of(target(key)))
    assert key not in repr(shown)


def test_the_secret_of_webhooks_is_found_with_its_prefix_and_without() -> None:
    secrets = secrets_of(target("sk-1", "whsec_MDEyMzQ1Njc4OQ=="))
    assert ["***", "***", "1"] == redacted(["whsec_MDEyMzQ1Njc4OQ==", "MDEyMzQ1Njc4OQ==", "1"], secrets)
    assert "******" == redacted("é\\u00e9%C3%A9\\ud83d\\ude80", ("éé", "é🚀"))


@pytest.mark.parametrize("text", ["\\" * 12_000, "%25" * 4000, "\\u" * 6000, "a\\" * 6000, "%5c" * 4000, "&#0" * 4000])
@pytest.mark.parametrize("key", ["aaaaaaaaaaaaaaaaaaaab", "\\a\\a\\a\\a\\\\\\b", "%%%%%%%%25b", "0000000000b"])
def test_hostile_text_takes_no_long_time(key: str, text: str) -> None:
    began = time.process_time()
    redacted(text, (key,))
    assert time.process_time() - began < 2
