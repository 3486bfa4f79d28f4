"""Judge all recorded exchanges of a run by rules. Pure.

May import `_judging` and `_core`.
"""
