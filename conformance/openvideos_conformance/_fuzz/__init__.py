"""Send requests that schemathesis generates, and judge its findings.

May import `_server`, `_inputs`, `_judging` and `_core`.
"""
