"""Read the command line, judge a server or a client, show the progress, and write the reports.

May import `_pytest`, `_client`, `_reports` and `_core`.
"""
