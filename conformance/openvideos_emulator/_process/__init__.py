"""Run emulators as processes, for tests. May import the public modules."""
