"""Run emulators as processes of their own, for tests.

May import the modules at the package's root.
"""
