"""Adapt the suite to pytest: its options, fixtures, marker and outcomes.

May import `_fuzz`, `_probes`, `_server`, `_reports` and `_core`.
"""
