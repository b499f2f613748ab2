"""Directory plugin: Active Directory, Samba or the embedded directory behind one port, with the namespaces for them."""

from mpf_directory.plugin import DirectoryPlugin

__all__ = ["DirectoryPlugin"]
