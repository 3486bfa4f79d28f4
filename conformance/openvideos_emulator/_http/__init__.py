"""Take a request from its path to its response.

May import `_webhooks`, `_engine`, `_media`, `_storage`, `_model` and `contract`.
"""
