"""Imitate real servers: the emulator with what each of them does otherwise than the contract says.

May import `_http`.
"""
