"""Write the references of a contract that name an anchor as pointers, which all else that compares reads. Pure.

A dynamic reference is taken for one to the anchor that stands in the contract: which schemas lead there, and bind it
otherwise, is not looked at.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from .model import Path, is_array, is_object, objects, pointer

ANCHORS = ("$anchor", "$dynamicAnchor")


def by_pointers(document: dict[str, Any]) -> dict[str, Any]:
    """Return a contract whose references are pointers, wherever they lead to something."""
    if not any("$dynamicRef" in node or name_in(node.get("$ref")) for node in objects(document)):
        return document
    anchors: dict[str, str] = {}
    waiting: list[tuple[Path, Any]] = [((), document)]
    for path, node in waiting:
        if is_object(node):
            names = [node[key] for key in ANCHORS if isinstance(node.get(key), str)]
            anchors |= dict.fromkeys(names, f"#{pointer(path)}")
        below = node.items() if is_object(node) else enumerate(node) if is_array(node) else ()
        waiting += [((*path, str(step)), each) for step, each in below]
    done: dict[str, Any] = rewritten(document, anchors)
    return done


def name_in(reference: Any) -> str:
    """Return the anchor that a reference names, nothing if it is a pointer, or leads elsewhere."""
    is_name = isinstance(reference, str) and reference.startswith("#") and not reference.startswith("#/")
    return unquote(reference[1:]) if is_name else ""


def rewritten(node: Any, anchors: dict[str, str]) -> Any:
    """Return a node with pointers in place of anchors, and with references that are not dynamic."""
    if is_array(node):
        return [rewritten(each, anchors) for each in node]
    if not is_object(node):
        return node
    done = {key: rewritten(each, anchors) for key, each in node.items()}
    for key in ("$ref", "$dynamicRef"):
        if (target := anchors.get(name_in(done.get(key)))) is not None:
            done[key] = target
    dynamic = done.get("$dynamicRef")
    if not isinstance(dynamic, str) or not dynamic.startswith("#/"):
        return done
    del done["$dynamicRef"]
    if "$ref" in done:
        return {**done, "allOf": [*done.get("allOf", ()), {"$ref": dynamic}]}
    return {**done, "$ref": dynamic}
