"""Choose what of two contracts is compared: their paths below a prefix, and those of one API among several. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scope:
    """What is compared; everything, by default."""

    prefix: str = ""
    """What all paths begin with, whether it stands in them or at the end of the servers' URLs, such as `/v1`."""
    only: tuple[str, ...] = ()
    """The paths that are compared, with those below them; without a slash, what the names of webhooks begin with."""

    def name(self, path: str) -> str | None:
        """Return the name by which a path or a webhook is compared with that of another contract; None if it is not."""
        prefix = self.prefix.strip("/")
        if prefix and f"{path}/".startswith(f"/{prefix}/"):
            path = path.removeprefix(f"/{prefix}") or "/"
        if not self.only:
            return path
        for word in self.only:
            if f"{path}/".startswith(f"{word.rstrip('/')}/") if word.startswith("/") else path.startswith(word):
                return path
        return None

    def servers(self, servers: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        """Return servers with the URLs by which they are compared."""
        return [{**server, "url": self.url(server["url"])} for server in servers or [{"url": "/"}]]

    def url(self, url: str) -> str:
        """Return the URL of a server without the prefix of all paths."""
        prefix = f"/{self.prefix.strip('/')}"
        bare = url.rstrip("/")
        return bare.removesuffix(prefix) or "/" if prefix != "/" and bare.endswith(prefix) else url
