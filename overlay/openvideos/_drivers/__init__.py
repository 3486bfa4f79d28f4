"""Carry out the I/O that flows ask for, blocking and async.

May import `_flows`, `requests` and `base`.
"""
