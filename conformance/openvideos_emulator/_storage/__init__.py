"""Keep jobs and events in SQLite.

May import `_model`.
"""
