"""Decide about jobs, events, faults and time. Pure.

May import nothing else of this package.
"""
