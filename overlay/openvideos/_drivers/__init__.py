"""Carry out the effects that flows yield, blocking or async: all I/O is here.

May import `_flows`, `requests`, `_parsing` and `base`.
"""
