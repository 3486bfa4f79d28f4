"""Adapt the suite to pytest: options, fixtures, markers, outcomes. May import every folder but `_cli` and `_client`."""
