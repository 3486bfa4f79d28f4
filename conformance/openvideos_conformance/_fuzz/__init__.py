"""Send generated requests, and judge what schemathesis finds. May import `_server`, and what that may."""
