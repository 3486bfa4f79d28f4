"""Turn the result of a run into a file or a text.

May import `_core`.
"""
