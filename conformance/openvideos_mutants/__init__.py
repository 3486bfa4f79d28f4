"""Break the emulator, one promise at a time, from outside: wrong servers on purpose, and odd ones that are right.

They prove the conformance suite: each requirement has a mutant that breaks only it, which the suite must catch by the
requirement's id; the odd servers keep the contract in unusual ways, and must pass. No part of any distribution.
"""
