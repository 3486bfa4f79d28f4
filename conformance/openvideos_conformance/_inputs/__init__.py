"""Make up requests, ids and files. Pure. May import `_core`."""
