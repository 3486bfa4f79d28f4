"""Point the clients of a test's application to an emulator by environment variables."""

from __future__ import annotations

import os
from urllib.parse import urlsplit


def environment(base_url: str, api_key: str) -> dict[str, str]:
    """Return the variables: the URL and the key, by each name that clients read, and no proxy on the way."""
    host = urlsplit(base_url).hostname or ""
    direct = [each.strip() for each in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")]
    if "*" not in direct and host not in direct:
        direct.append(host)
    without_proxy = ",".join(filter(None, direct))
    return {
        "OPENVIDEOS_BASE_URL": base_url,
        "OPENVIDEOS_API_KEY": api_key,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": api_key,
        "NO_PROXY": without_proxy,
        "no_proxy": without_proxy,  # where both are set, many clients read this one
    }
