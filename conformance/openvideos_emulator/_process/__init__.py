"""Run emulators as processes of their own, for tests.

May import `command`.
"""
