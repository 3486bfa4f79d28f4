"""Configure Sphinx, which makes the documentation site: `nox -s docs`."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import resolve_name
from typing import TYPE_CHECKING

from sphinx.pycode import ModuleAnalyzer
from sphinx.util.logging import getLogger

import openvideos

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = getLogger(__name__)

project = "openvideos"
author = "The openvideos maintainers"
copyright = "the openvideos maintainers, Apache-2.0"
version = release = openvideos.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]

# Pages are plain Markdown, so that they can be read where they lie, too.
myst_heading_anchors = 4
myst_links_external_new_tab = False

# The notebook is run anew against the emulator that tools/make_site.py has started.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True  # what a cell prints is one box, however many messages it comes in

# Docstrings have Markdown's single backticks.
default_role = "code"
autodoc_default_options = {
    "members": True,
    "inherited-members": "Exception,ValueError,TimeoutError,TypedDict,dict,Sequence",
}
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
add_module_names = False
python_maximum_signature_line_length = 88
# A class has an attribute `type` or `object`, which an annotation of that name does not mean.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "openvideos"
html_static_path: list[str] = []
html_show_sourcelink = False
html_baseurl = "https://openvideos.github.io/openvideos/"
html_theme_options = {
    "source_repository": "https://github.com/openvideos/openvideos/",
    "source_branch": "main",
    "source_directory": "docs/",
}


HOMES: dict[str, Callable[[str], str]] = {
    "openvideos": lambda name: resolve_name(vars(openvideos)["_HOME"].get(name, "._version"), "openvideos"),
    "openvideos_raw.models": lambda name: f"openvideos_raw.models.{re.sub('(?<!^)(?=[A-Z])', '_', name).lower()}",
    "openvideos_emulator.testing": lambda _: "openvideos_emulator._testing.records",
}
"""Where a type or a constant of a package is defined, with its docstring below it."""


def mend(_: Sphinx, what: str, name: str, __: object, ___: object, lines: list[str]) -> None:
    """Give a type or a constant the docstring at its home, and tell of a name that has none, which fails the build."""
    package, _dot, attribute = name.rpartition(".")
    if what in {"data", "type"}:
        home = HOMES[package](attribute)
        lines[:] = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", attribute), [])
    if package.startswith("openvideos_raw.api"):  # the generator indents the description by one
        lines[:] = [re.sub(r"^ (?! )", "", line) for line in lines]
    if what != "module" and not any(lines):
        logger.warning("%s has no docstring", name)


def setup(app: Sphinx) -> None:
    """Connect the event."""
    app.connect("autodoc-process-docstring", mend)
