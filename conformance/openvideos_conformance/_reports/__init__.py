"""Turn a result into a file or a text.

May import `_core`.
"""
