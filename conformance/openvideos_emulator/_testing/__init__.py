"""Show a test what an emulator holds, and what was sent to it.

May import nothing.
"""
