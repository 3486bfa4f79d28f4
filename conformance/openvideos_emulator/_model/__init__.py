"""Decide what a job, an event and a fault is. Pure. Imports no other folder."""
