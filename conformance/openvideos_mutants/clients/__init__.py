"""Clients that break one requirement each, to prove that the judge of clients catches them by the right id."""
