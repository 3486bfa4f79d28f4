"""Judge a client by the requests that it sends to an emulator.

May import `_inputs`, `_core` and `openvideos_emulator`.
"""
