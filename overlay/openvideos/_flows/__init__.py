"""Decide what to send, how long to wait and when to end, as generators that do no I/O.

May import `requests`, `base` and `openvideos_raw`.
"""
