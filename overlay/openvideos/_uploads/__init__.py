"""Prepare callers' files as parts of a form, and read them when they are sent.

May import `base` and `openvideos_raw`.
"""
