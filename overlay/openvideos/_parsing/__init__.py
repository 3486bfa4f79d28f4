"""Turn responses into the objects and files that callers get, or into typed errors. Pure.

May import `base` and `openvideos_raw`.
"""
