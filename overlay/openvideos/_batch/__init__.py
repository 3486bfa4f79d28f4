"""Make a video of each row of a file, whatever breaks meanwhile, and pay for none twice.

May import `_doctor`, `surface`, `_flows` and `_parsing`.
"""
