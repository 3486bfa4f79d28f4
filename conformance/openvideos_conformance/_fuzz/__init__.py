"""Send requests that schemathesis generates, and judge its findings.

May import `_server`, `_inputs` and `_core`.
"""
