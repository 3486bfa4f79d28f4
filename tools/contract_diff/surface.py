"""Compare the Python surface of a package with that of a release, by griffe.

griffe compares what has a public name. What is reached from there by an attribute or a call, as `OpenVideos().videos`
is, stands in a private module and is as public: it is followed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import griffe


def broken_surface(root: Path, package: Path, release: str) -> list[str]:
    """Return a line for each way in which a package's public surface breaks users of a release.

    `package` is a directory, relative to the root. Nothing is imported. A package that the release does not have
    breaks nobody.
    """
    name, directory = package.name, package.parent
    try:
        old = griffe.load_git(name, ref=release, repo=root, search_paths=[directory], allow_inspection=False)
    except ImportError:
        return []
    try:
        new = griffe.load(name, search_paths=[root / directory], allow_inspection=False, try_relative_path=False)
    except ImportError:
        return [f"{package}: the package is gone"]
    pairs = compared(cast("griffe.Object", old), cast("griffe.Object", new))  # a package is never an alias
    lines = [breakage_line(each) for pair in pairs for each in griffe.find_breaking_changes(*pair)]
    return list(dict.fromkeys(lines))


def breakage_line(breakage: griffe.Breakage) -> str:
    """Return a breakage as a line, without the colours of griffe's own."""
    parameters = [each for each in (breakage.old_value, breakage.new_value) if isinstance(each, griffe.Parameter)]
    named = f"({parameters[0].name})" if parameters else ""
    return f"{breakage.obj.path}{named}: {breakage.kind.value}"


def compared(old: griffe.Object, new: griffe.Object) -> Iterator[tuple[griffe.Object, griffe.Object]]:
    """Yield what stands for the same in both: the package, and each class that is reached from what is public in it."""
    yield old, new
    seen: set[str] = set()
    waiting = [(old, new)]
    while waiting:
        before, after = waiting.pop()
        others = public(after)
        for name, member in public(before).items():
            other = others.get(name)
            if isinstance(member, griffe.Class) and isinstance(other, griffe.Class):
                waiting.append((member, other))  # griffe compares it with its parent; what it leads to, nobody
            for left, right in zip(classes(member), classes(other), strict=False):
                if left.path not in seen:
                    seen.add(left.path)
                    waiting.append((left, right))
                    yield left, right


def public(owner: griffe.Object) -> dict[str, griffe.Object]:
    """Return the members of a package or a class that have a public name, and are its own package's."""
    members = {name: target(member, owner) for name, member in owner.all_members.items() if member.is_public}
    return {name: member for name, member in members.items() if member is not None}


def target(member: griffe.Object | griffe.Alias, owner: griffe.Object) -> griffe.Object | None:
    """Return the target of a name; None if it belongs to another package."""
    try:
        found = member.final_target if isinstance(member, griffe.Alias) else member
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None
    return found if found.package.path == owner.package.path else None


def classes(member: griffe.Object | None) -> list[griffe.Class]:
    """Return the classes of the same package that a member's annotation names: what it is, or what calling it gives."""
    annotation = (
        member.returns
        if isinstance(member, griffe.Function)
        else member.annotation
        if isinstance(member, griffe.Attribute)
        else None
    )
    if member is None or not isinstance(annotation, griffe.Expr):
        return []
    found = [
        lookup(each.canonical_path, member)
        for each in annotation.iterate(flat=True)
        if isinstance(each, griffe.ExprName)
    ]
    return [each for each in found if isinstance(each, griffe.Class)]


def lookup(path: str, owner: griffe.Object) -> griffe.Object | None:
    """Return the object with a dotted path; None if it belongs to another package."""
    try:
        return target(owner.package.modules_collection[path], owner)
    except KeyError:
        return None
