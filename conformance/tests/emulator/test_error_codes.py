"""Test that the emulator's error codes are those of the contract, under the statuses that it gives them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import openvideos_emulator
from openvideos_emulator._contract import contract
from openvideos_emulator._http.responses import STATUSES
from openvideos_emulator._http.validation import CODES
from openvideos_emulator._model.refusals import Reason

CODES_OF_THE_CONTRACT = contract().schema_at("#/x-error-codes")
UNREAD = ("refusals.py", "snapshot.py", "upload_probe.py")
"""Where a code comes from a variable; the codes are named below."""
OF_THE_CONTROL_API = {
    *("cross_site", "emulator_was_reset", "host_not_allowed", "id_taken", "invalid_signature", "unknown_parameter"),
}


def raised() -> Iterator[tuple[str, int]]:
    """Yield the code and the status of each refusal in the emulator's source."""
    for path in sorted(Path(openvideos_emulator.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            said = [each.value for each in node.keywords if each.arg == "code"]
            codes = [each.value for each in said if isinstance(each, ast.Constant)]
            match node:
                case ast.Call(func=ast.Name(id="RefusalError"), args=[ast.Attribute(attr=reason), *_]):
                    assert codes or f"{path.name}:{node.lineno}".startswith(UNREAD), (path, node.lineno)
                    yield from ((str(code), STATUSES[Reason[reason]]) for code in codes)
                case ast.Call(func=ast.Name(id="invalid")):
                    yield from ((str(code), STATUSES[Reason.INVALID]) for code in codes or ["invalid_value"])
                case _:
                    pass
    yield from ((code, STATUSES[Reason.INVALID]) for code in CODES.values())
    yield from (("video_not_ready", STATUSES[Reason.CONFLICT]), ("video_failed", STATUSES[Reason.CONFLICT]))
    yield from (("invalid_image", STATUSES[Reason.UNPROCESSABLE]), ("invalid_video", STATUSES[Reason.UNPROCESSABLE]))


def test_each_code_is_one_of_the_contract_under_its_status() -> None:
    found = {each for each in raised() if each[0] not in OF_THE_CONTROL_API}
    known = {(code, status) for code, said in CODES_OF_THE_CONTRACT.items() for status in said["status"]}
    assert len(found) > 20
    assert set() == found - known
