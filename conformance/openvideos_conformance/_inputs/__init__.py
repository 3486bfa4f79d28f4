"""Make requests, ids and files for the checks. Pure.

May import `_judging` and `_core`.
"""
