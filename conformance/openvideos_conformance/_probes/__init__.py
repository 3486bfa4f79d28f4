"""Send requests once in a run, and share their responses among checks.

May import `_server`, `_inputs`, `_judging` and `_core`.
"""
