"""Read the command line, run a judge, show its progress, write its reports.

May import `_pytest`, `_client`, `_reports` and `_core`.
"""
