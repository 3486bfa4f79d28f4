"""Read what an operator says of a server's capabilities: `remix,-edits`."""

from __future__ import annotations

from .catalogue import capabilities


def declared(words: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the capabilities that a text declares and denies, such as `remix,-edits`; `all` declares every one.

    Raises:
        ValueError: One is unknown; the message lists those that there are.

    """
    known = capabilities()
    wanted: set[str] = set()
    denied: set[str] = set()
    for word in words.replace(",", " ").split():
        name = word.removeprefix("-")
        if name != "all" and name not in known:
            message = f"there is no capability {name!r}; there are {', '.join(known)}, and all"
            raise ValueError(message)
        (denied if word.startswith("-") else wanted).update(known if name == "all" else {name})
    return frozenset(wanted - denied), frozenset(denied)
