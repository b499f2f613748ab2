"""Transactions: what was done, and how it is taken back."""
