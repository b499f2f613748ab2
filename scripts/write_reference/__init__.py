"""Writes the reference documentation from the namespaces, settings, commands and hooks that are loaded; builds the site."""
