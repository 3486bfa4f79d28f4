"""Make the documentation site from docs/, and refuse what a reader would stumble over. `nox -s docs` runs this.

Sphinx fails on a broken link, on a docstring that is missing or cannot be read, and on a notebook that does not run,
for which an emulator is started. What it has made is checked for what a page would load from another origin.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from demo import emulator, lead_to

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
LOADED: Final = {
    "link": "href",
    "script": "src",
    "img": "src",
    "video": "src",
    "source": "src",
    "iframe": "src",
    "object": "data",
}
"""The tags that load something, with the attribute that says what."""
LED: Final = {"canonical", "next", "prev", "search", "index"}
"""The relations of a <link> that load nothing."""
IN_STYLE: Final = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")


class SiteError(Exception):
    """The site is not as it should be; the message has a line for each thing."""


class Loads(HTMLParser):
    """The URLs that a page loads from other origins."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag loads."""
        given = {name: value or "" for name, value in attrs}
        url = given.get(LOADED.get(tag, ""), "")
        if is_foreign(url) and not (tag == "link" and set(given.get("rel", "").split()) & LED):
            self.found.append(url)
        self.found += IN_STYLE.findall(given.get("style", ""))


def is_foreign(url: str) -> bool:
    """Return whether a URL leads to another origin."""
    return re.match(r"(https?:)?//", url) is not None


def foreign(name: str, text: str) -> list[str]:
    """Return what a file of the site loads from other origins, if it is a page or a style sheet."""
    if name.endswith(".html"):
        return Loads(text).found
    return IN_STYLE.findall(text) if name.endswith(".css") else []


def check(site: Path) -> None:
    """Check what Sphinx has made.

    Raises:
        SiteError: A page or a style sheet loads something of another origin.
    """
    problems = [
        f"{path.relative_to(site)} loads {url}"
        for path in sorted(site.rglob("*"))
        if path.suffix in {".html", ".css"}
        for url in foreign(path.name, path.read_text("utf-8"))
    ]
    if problems:
        raise SiteError("\n".join(problems))


def main(arguments: list[str] | None = None) -> int:
    """Make the site; return 1, and say why, if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site", help="where to put the site")
    output: Path = parser.parse_args(arguments).output
    shutil.rmtree(output, ignore_errors=True)
    with emulator("sk-anything") as base_url:
        lead_to(base_url, "sk-anything")
        doctrees = output.with_name(f"{output.name}-doctrees")
        strictly = ["-W", "--keep-going", "-E", "-q", "-d", str(doctrees), "-b", "html"]
        made = subprocess.run([sys.executable, "-m", "sphinx", *strictly, str(DOCS), str(output)], check=False)
    if made.returncode:
        return 1
    try:
        check(output)
    except SiteError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"the site is in {output}: open index.html, which needs no server")
    return 0


if __name__ == "__main__":
    sys.exit(main())
