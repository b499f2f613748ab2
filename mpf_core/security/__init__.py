"""Who calls, what they may do, and as whom a call runs."""
