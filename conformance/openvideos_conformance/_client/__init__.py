"""Judge a client by the requests that it sends to an emulator.

May import `_core` and `openvideos_emulator`.
"""
