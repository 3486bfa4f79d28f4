"""Judge all the traffic of a run by rules. Pure.

May import `_judging` and `_core`.
"""
