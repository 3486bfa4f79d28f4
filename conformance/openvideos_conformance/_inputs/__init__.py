"""Make requests, ids and files for the checks.

May import `_judging` and `_core`.
"""
