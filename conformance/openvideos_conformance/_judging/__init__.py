"""Judge single responses, pages, events and files. Pure.

May import `_core`.
"""
