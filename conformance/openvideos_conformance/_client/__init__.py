"""Judge a client by the requests that it sends.

May import `_core` and `openvideos_emulator`.
"""
