"""Carry out the operations, without HTTP.

May import `_media`, `_storage` and `_model`.
"""
