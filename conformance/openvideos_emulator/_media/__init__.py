"""Render the files of a job once. May import `_model`."""
