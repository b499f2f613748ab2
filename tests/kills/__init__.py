"""Processes that are killed at every point, and what is left of their work afterwards."""
