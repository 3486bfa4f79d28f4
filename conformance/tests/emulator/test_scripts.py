"""Pictures show prompts in any script, as long as a font has it, and are drawn whatever a text or a font holds."""

# ruff: noqa: RUF001 - each script has its own commas and letters, which look like those of others

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from openvideos_emulator import create_app
from openvideos_emulator._media import fonts, library, rendering, text_layout
from openvideos_emulator._media.fonts import BUILT_IN, Typeface, typefaces
from openvideos_emulator._media.library import MediaLibrary, Variant
from openvideos_emulator._media.rendering import render_thumbnail
from openvideos_emulator._media.spelling import graphemes, spell
from openvideos_emulator._media.text_layout import Setting, set_into
from openvideos_emulator._model.jobs import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from openvideos_emulator._media.spelling import Letter

SCRIPTS = {
    "chinese": "一只戴着红色围巾的小猫在雪地里奔跑，远处是落日",
    "japanese": "夜の東京、雨に濡れたネオン街を「ゆっくり」歩くカメラ。",
    "korean": "눈 덮인 산을 배경으로 달리는 붉은 여우",
    "arabic": "قطة ترتدي وشاحاً أحمر تركض في الثلج",
    "hebrew": "חתול עם צעיף אדום רץ בשלג",
    "hindi": "लाल दुपट्टा पहने एक बिल्ली बर्फ़ में दौड़ रही है",
    "bengali": "লাল স্কার্ফ পরা একটি বিড়াল",
    "tamil": "சிவப்பு கழுத்துப்பட்டை அணிந்த பூனை",
    "thai": "แมวใส่ผ้าพันคอสีแดงวิ่งในหิมะ",
    "russian": "Кошка в красном шарфе бежит по снегу",
    "greek": "Μια γάτα με κόκκινο κασκόλ",
    "french": "Un café crème à l’heure bleue — « très » cinématographique, 5 €",
    "vietnamese": "Một chú mèo con đang chạy trong tuyết",
    "emoji": "😀🍕👨‍👩‍👧‍👦👍🏽🐱",
    "mixed": "A sign that reads 你好 and مرحبا in neon 😀",
}
SMALL = settings(max_examples=settings().max_examples * 2, deadline=None)  # the first text of a script opens its font


@pytest.fixture
def fresh() -> Iterator[None]:
    """Look for fonts anew in this test, and after it."""

    def forget() -> None:
        for kept in (fonts._found, fonts.fingerprint, fonts._has, fonts._opened, fonts._ranges):
            kept.cache_clear()

    forget()
    yield
    forget()


def recipe(prompt: str, size: str = "64x48") -> Recipe:
    return Recipe(prompt=prompt, model="sora-2", size=size, seconds=1)


def written(text: str, faces: tuple[Typeface, ...]) -> str:
    return "".join(letter.text for letter in spell(text, faces))


def shown(setting: Setting) -> list[str]:
    return ["".join(run.text for run in line) for line in setting.lines]


def picture(text: str, face: Typeface) -> bytes:
    image = Image.new("L", (80, 80))
    ImageDraw.Draw(image).text((20, 20), text, font=face.at(30), fill=255)
    return image.tobytes()


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_letter_of_a_script_is_drawn(script: str) -> None:
    """With the extra `fonts`, no letter is replaced, none is left out, and none looks as what is missing does."""
    text = SCRIPTS[script]
    assert unicodedata.normalize("NFC", text) == written(text, typefaces())
    for letter in spell(text, typefaces()):
        assert letter.text == " " or picture(letter.text, letter.face) != picture("\U0010ffff", letter.face)


@pytest.mark.parametrize("text", ["(\u05d0", "x"])
def test_a_word_of_thousands_of_letters_is_measured_as_far_as_lines_go(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, width_of = [0], text_layout._width

    def counted(letters: Sequence[Letter], size: int) -> float:
        measured[0] += len(letters)
        return width_of(letters, size)

    monkeypatch.setattr(text_layout, "_width", counted)
    letters = spell(text * 10_000, typefaces())
    assert set_into(letters, width=620, height=400).lines
    assert measured[0] < 50 * len(letters)


@SMALL
@given(
    text=st.text(max_size=200) | st.sampled_from([*SCRIPTS.values()]),
    width=st.integers(0, 400),
    height=st.integers(0, 400),
)
@example(text="x" * 32_000, width=640, height=1000)
@example(text="日本語 " * 8_000, width=10, height=1000)
@example(text="\u0301\u200d\0\x1b\ufe0f\ud800", width=40, height=40)
@example(text="दौड़रहीहै" * 100, width=300, height=300)
def test_any_text_is_set_into_any_box(text: str, width: int, height: int) -> None:
    letters = spell(text, typefaces())
    setting = set_into(letters, width=width, height=height)
    assert len(setting.lines) * setting.line_height <= height
    longest = max((len(letter.text) for letter in letters), default=1)
    for line in setting.lines:
        needed = sum(run.width(setting.size) for run in line)
        # A line has one letter at least, and an ellipsis; advances are rounded to whole pixels in some sizes.
        assert needed <= width * 1.05 + 1 or sum(len(run.text) for run in line) <= longest + 1
    whole = sorted("".join(letter.text for letter in letters if letter.text != " "))
    if not any(line.endswith("…") or line.startswith("…") for line in shown(setting)) and setting.lines:
        drawn = "".join(shown(setting)).replace(" ", "")
        assert len(whole) == len(drawn)


@SMALL
@given(text=st.text(max_size=100), model=st.text(max_size=20))
def test_any_text_is_drawn(text: str, model: str) -> None:
    drawn = Recipe(prompt=text, model=model, size="320x240", seconds=1)
    assert (320, 240) == rendering._Picture(drawn, typefaces(), width=320, height=240).frame(0.5).size


def test_the_same_prompt_makes_the_same_bytes(tmp_path: Path) -> None:
    for script, text in SCRIPTS.items():
        render_thumbnail(recipe(text, "320x240"), tmp_path / f"{script}.1")
        render_thumbnail(recipe(text, "320x240"), tmp_path / f"{script}.2")
        assert (tmp_path / f"{script}.1").read_bytes() == (tmp_path / f"{script}.2").read_bytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A serene sunset", "A serene sunset"),
        ("café Straße — 5 € “x” 1️⃣", "cafe Strasse - 5 EUR “x” 1"),
        ("日本語 text", "[cjk x3] text"),
        ("\N{GRINNING FACE}", "[grinning face]"),
        ("two\nlines\t\x00end", "two lines end"),
    ],
)
def test_letters_that_no_font_has_are_named(text: str, expected: str) -> None:
    assert expected == written(text, (BUILT_IN,))


def test_letters_are_what_readers_take_for_letters() -> None:
    letters = ["👨‍👩‍👧‍👦", "🇯🇵", "🇫🇷", "👍🏽", "1️⃣", "é", "क्षि", "न", "ก็", "น้ำ", "각"]
    assert letters == list(graphemes("".join(letters)))
    assert ["x" + "\u0301" * 11] == list(graphemes("x" + "\u0301" * 1000))


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    for text in ("word " * 5_000, "字" * 5_000, "قطة " * 5_000):
        assert "…" in shown(set_into(spell(text, typefaces()), width=300, height=300))[-1]
    assert not shown(set_into(spell("A few words", typefaces()), width=300, height=300))[-1].endswith("…")


def test_chinese_is_broken_between_letters_and_not_before_a_stop() -> None:
    setting = set_into(spell("天地玄黄，「宇宙洪荒」。日月盈昃、辰宿列張。" * 8, typefaces()), width=320, height=400)
    lines = shown(setting)
    assert len(lines) > 4
    assert not any(line[0] in "，。、」" or line[-1] == "「" for line in lines)
    assert all(len(line) > 320 / setting.size - 4 for line in lines[:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a مرحبا b", ["a ", "مرحبا", " b"]),
        ("a (שלום) b", ["a (", "שלום", ") b"]),
        ("שלום (slow) 12:30!", ["!", "12:30", " (", "slow", ") ", "שלום"]),
        ("(שלום)", ["(", "שלום", ")"]),
        ("a שלום 12 עולם b", ["a ", "עולם", " ", "12", " ", "שלום", " b"]),
    ],
)
def test_what_is_read_from_the_right_is_ordered_from_the_left(text: str, expected: list[str]) -> None:
    [line] = set_into(spell(text, typefaces()), width=2000, height=200).lines
    assert "".join(expected) == "".join(run.text for run in line)


@pytest.mark.parametrize(
    ("text", "language"), [("骨直", "zh-Hans"), ("骨の直", "ja"), ("骨 직", "ko"), ("A cat", None), ("Кот", None)]
)
def test_chinese_characters_have_the_forms_of_their_language(text: str, language: str | None) -> None:
    [line] = set_into(spell(text, typefaces()), width=2000, height=200).lines
    assert {language} == {run.language for run in line}


@pytest.mark.usefixtures("fresh")
class TestTheFiles:
    @pytest.mark.parametrize("content", [b"", b"text", b"\0\1\0\0" + b"\xff" * 5000, None])
    def test_a_broken_one_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
    ) -> None:
        """None stands for a font that is cut off."""
        if content is None:
            whole = next(face.path for face in typefaces() if face.path is not None).read_bytes()
            content = whole[: len(whole) // 2]
            fonts._found.cache_clear()
        monkeypatch.setattr(fonts, "_PACKAGES", ())
        monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path])
        render_thumbnail(recipe("café 猫"), tmp_path / "without.webp")
        for kept in (fonts._found, fonts.fingerprint):
            kept.cache_clear()
        (tmp_path / "NotoSans-Regular.ttf").write_bytes(content)
        (tmp_path / "DejaVuSans.ttf").mkdir()
        render_thumbnail(recipe("café 猫"), tmp_path / "with.webp")
        with Image.open(tmp_path / "with.webp") as drawn:
            assert ((64, 48), "WEBP") == (drawn.size, drawn.format)
        if len(content) < 10_000:  # of one that is cut off, some letters can still be drawn
            assert (tmp_path / "without.webp").read_bytes() == (tmp_path / "with.webp").read_bytes()

    def test_one_that_fails_when_it_is_drawn_with_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(rendering, "typefaces", lambda: (BUILT_IN, Typeface(tmp_path / "gone.ttf")))
        monkeypatch.setattr(Typeface, "has", lambda face, _: face.path is not None)
        render_thumbnail(recipe("猫"), tmp_path / "a.webp")
        monkeypatch.undo()
        assert "a font cannot be drawn with" in caplog.text
        assert "Traceback" in caplog.text
        render_thumbnail(recipe("猫"), tmp_path / "b.webp")
        assert (tmp_path / "a.webp").read_bytes() != (tmp_path / "b.webp").read_bytes()

    def test_a_fault_of_the_layout_is_not_taken_for_one_of_a_font(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise TypeError("a bug")

        monkeypatch.setattr(rendering, "set_into", fail)
        with pytest.raises(TypeError, match="a bug"):
            render_thumbnail(recipe("猫"), tmp_path / "a.webp")

    def test_the_systems_are_used_where_there_is_no_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = next(face.path for face in typefaces() if face.path is not None)
        fonts._found.cache_clear()
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "NotoSans-Regular.ttf").write_bytes(own.read_bytes())
        monkeypatch.setattr(fonts, "_PACKAGES", ("no_such_package",))
        monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path / "none", tmp_path])
        assert ["NotoSans-Regular.ttf"] == [face.path.name for face in typefaces() if face.path is not None]
        assert "café" == written("café", typefaces())

    def test_pictures_are_drawn_again_when_they_change(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        files = MediaLibrary(tmp_path)
        before = files._path("digest", Variant.THUMBNAIL)
        assert before == files._path("digest", Variant.THUMBNAIL)
        library._maker.cache_clear()
        monkeypatch.setattr(fonts, "fingerprint", lambda: "other")
        assert before != files._path("digest", Variant.THUMBNAIL)
        library._maker.cache_clear()
        files.close()

    def test_their_hash_holds_each_of_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        own = next(face.path for face in typefaces() if face.path is not None).read_bytes()
        seen = [fonts.fingerprint()]

        def see() -> None:
            fonts._found.cache_clear()
            fonts.fingerprint.cache_clear()
            seen.append(fonts.fingerprint())

        monkeypatch.setattr(fonts, "_PACKAGES", ())
        monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path])
        see()
        (tmp_path / "NotoSans-Regular.ttf").write_bytes(own)
        see()
        (tmp_path / "DejaVuSans.ttf").write_bytes(own)
        see()
        changed = bytearray(own)
        changed[200] ^= 1  # in its head, which has the checksums of all parts
        (tmp_path / "DejaVuSans.ttf").write_bytes(changed)
        see()
        assert len(seen) == len(set(seen))

    def test_they_are_not_looked_for_before_a_file_is_named(self) -> None:
        create_app().close()
        assert 0 == fonts._found.cache_info().misses

    def test_without_raqm_no_script_is_drawn_that_needs_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fonts, "can_shape", lambda: False)
        assert "[arabic x5] 猫 [devanagari x2]" == written("مرحبا 猫 हिन्दी", typefaces())
        render = rendering._Picture(recipe("猫 مرحبا"), typefaces(), width=64, height=48)
        assert (64, 48) == render.frame(0).size
