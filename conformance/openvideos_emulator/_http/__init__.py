"""Take a request from its path to its response. May import `_webhooks` and all below it."""
