"""Name the files of the overlay that the tools read, as paths from the project's root."""

from __future__ import annotations

from typing import Final

PACKAGE: Final = "overlay/openvideos"
METHODS: Final = (f"{PACKAGE}/_videos.py", f"{PACKAGE}/_async_videos.py")
"""The methods of `client.videos`, each with its operation in its docstring."""
BUILDERS: Final = f"{PACKAGE}/_operations.py"
"""The functions that build requests."""
STATUSES: Final = f"{PACKAGE}/_status.py"
"""The statuses that the overlay understands."""
WEBHOOKS: Final = f"{PACKAGE}/_webhooks.py"
"""The events that the overlay understands."""
VERSION: Final = f"{PACKAGE}/_version.py"
"""The version of the distribution, which the build reads here too."""
UNCOVERED: Final = "overlay/uncovered.toml"
"""The operations that have no method, each with its reason."""
LISTS: Final = (
    *("overlay/tests/spec/test_coverage.py", "overlay/tests/spec/test_parity.py", "overlay/tests/test_surface.py"),
    *("overlay/tests/test_sync_and_async.py", "overlay/tests/test_uncovered.py", "overlay/tests/test_docs.py"),
    *("overlay/tests/spec/test_properties.py", "overlay/tests/raw/test_contract.py"),
    *("conformance/tests/conformance/test_catalogue.py", "conformance/tests/conformance/test_profiles.py"),
    "conformance/tests/emulator/test_error_codes.py",
    *("tools/tests/test_contract_docs.py", "tools/tests/test_revisions.py"),
)
"""The tests that read or list all of the contract or of what the overlay offers, whatever it is called."""
TYPING: Final = "overlay/tests/typing"
"""What applications write, for type checkers alone."""
DECISIONS: Final = (
    *("_flows.downloading", "_flows.hints", "_flows.paging", "_flows.polling", "_flows.retrying", "_flows.wait_many"),
    "_status",
)
"""The modules that decide, below the package: mutation testing changes them."""
