"""The command line. What is slow to import, such as the SDK's clients and rich, is imported where it is needed.

May import `_doctor`, `batch`, `_batch`, `surface` and `openvideos_raw`.
"""
