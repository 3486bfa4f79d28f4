"""Carry out what the flows ask for, blocking and async."""
