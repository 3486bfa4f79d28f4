"""Wrap responses: the content of a download, and the raw responses of all methods.

May import `_drivers`, `_parsing` and `base`.
"""
