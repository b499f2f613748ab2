"""Who is at the other end: the panel's own accounts and passwords, and a token that keeps other sites' forms out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.requests import HTTPConnection
from starlette.responses import Response

_SALT_BYTES = 16


def hashed(password: str) -> bytes:
    """What the panel keeps of a password."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt + _digest(password, salt)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


class Accounts(AuthenticationBackend):
    """HTTP Basic over a table: account -> what `hashed` made of its password. Use it behind TLS only."""

    def __init__(self, table: Mapping[str, bytes]) -> None:
        self._table = table
        self._nobody = hashed(secrets.token_hex())  # so that an unknown account takes as long as a known one

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        """See Starlette. Raises AuthenticationError for credentials that are wrong."""
        scheme, _, encoded = conn.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise AuthenticationError("The credentials cannot be read.") from None
        kept = self._table.get(name, self._nobody)
        right = hmac.compare_digest(kept[_SALT_BYTES:], _digest(password, kept[:_SALT_BYTES]))
        if not right or name not in self._table:
            raise AuthenticationError("The account or its password is wrong.")
        return AuthCredentials(["signed in"]), SimpleUser(name)


def ask_for_credentials(_conn: HTTPConnection | None = None, error: Exception | None = None) -> Response:
    """The answer to whoever is not signed in."""
    text = str(error) if error is not None else "Please sign in."
    return Response(text, 401, {"WWW-Authenticate": 'Basic realm="panel", charset="UTF-8"'}, "text/plain")


class FormTokens:
    """Tokens that only pages of this panel hold: a form without the right one comes from somewhere else."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def of(self, account: str) -> str:
        """The token in the forms that this account sees."""
        return hmac.new(self._key, account.encode(), hashlib.sha256).hexdigest()

    def is_right(self, account: str, token: str) -> bool:
        """Whether a form that this account has sent comes from here."""
        return hmac.compare_digest(self.of(account).encode(), token.encode())
