"""The store: journal and locks, behind one port."""
