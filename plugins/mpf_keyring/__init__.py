"""Stored credentials in the system's keyring."""

from mpf_keyring.plugin import KeyringPlugin, KeyringSettings

__all__ = ["KeyringPlugin", "KeyringSettings"]
