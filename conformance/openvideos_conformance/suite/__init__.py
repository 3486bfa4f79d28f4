"""The checks, as tests of pytest.

May import `_pytest`, `_fuzz`, `_probes`, `_server`, `_history`, `_inputs`, `_judging` and `_core`.
"""
