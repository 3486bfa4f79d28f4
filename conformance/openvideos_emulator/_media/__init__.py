"""Render the files of a job, each once.

May import `_model`.
"""
