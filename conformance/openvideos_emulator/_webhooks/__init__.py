"""Deliver webhooks.

May import `_storage` and `_model`.
"""
