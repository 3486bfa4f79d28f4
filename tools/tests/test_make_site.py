"""What the site must not load is found in its pages and style sheets, and only that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_site import DOCS, LOADED, SiteError, check, foreign

FOREIGN = st.sampled_from(["https://fonts.example/a.woff2", "//cdn.example/a.js", "http://cdn.example/a.js"])
OWN = st.sampled_from(["a.js", "../_static/a.css", "/a.png", "data:image/png;base64,AA==", "#top", ""])


@given(st.sampled_from(sorted(LOADED)), FOREIGN)
def test_a_tag_that_loads_from_another_origin_is_found(tag: str, url: str) -> None:
    assert [url] == foreign("page.html", f'<p><{tag} rel="stylesheet" {LOADED[tag]}="{url}">')


@given(st.sampled_from(sorted(LOADED)), OWN)
def test_one_that_loads_from_the_site_is_not(tag: str, url: str) -> None:
    assert [] == foreign("page.html", f'<{tag} rel="stylesheet" {LOADED[tag]}="{url}">')


@given(FOREIGN)
def test_a_link_that_a_reader_may_follow_is_not(url: str) -> None:
    assert [] == foreign("page.html", f'<a href="{url}">there</a><link rel="canonical" href="{url}">')
    assert [] == foreign("search.js", url)


@given(FOREIGN)
def test_a_style_that_loads_is_found(url: str) -> None:
    assert [url, url] == foreign("a.css", f'@import "{url}"; @font-face {{ src: url({url}) }}')
    assert [url] == foreign("page.html", f"<p style=\"background: url('{url}')\">")


def test_a_site_is_refused_with_the_page_that_loads(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<script src='a.js'></script>")
    check(tmp_path)
    (tmp_path / "guides").mkdir()
    (tmp_path / "guides" / "a.html").write_text("<script src='https://cdn.example/a.js'></script>")
    with pytest.raises(SiteError, match=r"^guides/a\.html loads https://cdn\.example/a\.js$"):
        check(tmp_path)


def test_what_a_page_includes_begins_and_ends_where_it_says() -> None:
    """Sphinx says so, too, and only `nox -s docs` runs it."""
    judged = 0
    for page in DOCS.rglob("*.md"):
        for name, options in re.findall(r"^```\{include\} (\S+)\n((?::.*\n)*)", page.read_text("utf-8"), re.MULTILINE):
            rest = (page.parent / name).read_text("utf-8")
            for words in re.findall(r'^:(?:start-after|end-before): "(.*)"$', options, re.MULTILINE):
                judged += 1
                _, found, rest = rest.partition(f"\n{words}\n")
                assert found, f"{page.name} includes {name}, which has no {words!r} there"
    assert judged
