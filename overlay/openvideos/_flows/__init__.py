"""Decide what to send, how long to wait and when to end, as generators without I/O."""
