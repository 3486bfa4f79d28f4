"""Decide what to send, how long to wait and when to stop, in generators that do no I/O.

May import `requests`, `_parsing`, `base` and `openvideos_raw`.
"""
