"""Talk to the server under test, and record every exchange.

May import `_inputs`, `_judging` and `_core`.
"""
