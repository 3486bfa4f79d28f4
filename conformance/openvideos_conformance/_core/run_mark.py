"""Mark the prompts of a run, so that its jobs can be found in a list even if the responses to their creates were lost.

Pure. The mark stands at the end of a prompt, or at its beginning if the prompt would become too long: there it replaces
as many characters. A prompt that is empty or no text is illegal and stays so, and the prompt that makes a job fail is
the operator's, to the letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from .request_validation import FORM, JSON

_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)')
_PROMPT: Final = re.compile(rb'content-disposition: *form-data; *name="?prompt"? *(\r\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RunMark:
    """The mark of a run: its id, the length of the longest legal prompt, and a prompt that stays as it is."""

    run_id: str
    longest: int
    kept: str | None = None

    @property
    def text(self) -> str:
        """The mark as it stands in a prompt."""
        return f"[run {self.run_id}]"

    def on_prompt(self, prompt: str) -> str:
        """Return a prompt with the mark, which it may have already. It stays legal, or too long, as it was."""
        if not prompt or prompt == self.kept or self.run_id in prompt:
            return prompt
        longer = f"{prompt} {self.text}"
        return longer if len(longer) <= self.longest else self.text + prompt[len(self.text) :]

    def on_fields(self, fields: Any) -> Any:
        """Return the fields of a body with the mark in their prompt; another value as it is."""
        if not isinstance(fields, Mapping):
            return fields
        known = cast("Mapping[str, Any]", fields)
        prompt = known.get("prompt")
        return {**known, "prompt": self.on_prompt(prompt)} if isinstance(prompt, str) else known

    def on_body(self, media_type: str, body: bytes) -> bytes:
        """Return a body of JSON or of a form with the mark in its prompt; any other body as it is."""
        kind = media_type.partition(";")[0].strip().lower()
        if kind == JSON:
            return self._on_json(body)
        boundary = _BOUNDARY.search(media_type)
        if kind != FORM or boundary is None:
            return body
        line = f"--{boundary[1]}".encode("latin-1", "replace")
        return line.join(self._on_part(part) for part in body.split(line))

    def _on_json(self, body: bytes) -> bytes:
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            return body
        marked = self.on_fields(fields)
        return body if marked == fields else json.dumps(marked).encode()

    def _on_part(self, part: bytes) -> bytes:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank or not _PROMPT.search(head):
            return part
        try:
            prompt = content.removesuffix(b"\r\n").decode()
        except UnicodeDecodeError:
            return part
        return head + blank + self.on_prompt(prompt).encode() + content[len(content.removesuffix(b"\r\n")) :]
