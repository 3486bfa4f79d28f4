"""Make up requests, ids and files. Pure.

May import `_judging` and `_core`.
"""
