"""Pointsman sets the points: which model serves which request, and why."""
