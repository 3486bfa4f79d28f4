"""Wrap the emulator to make wrong servers, which break one requirement each, and unusual servers, which are correct.

They prove the conformance suite: each requirement has a mutant that breaks only it, which the suite must catch by the
requirement's id; the odd servers keep the contract in unusual ways, and must pass. No part of any distribution.
"""
