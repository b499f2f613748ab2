"""Configuration that changes while engines run, in SQL: values are encrypted, keys are not."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from mpf_core.provider import Json
from mpf_core.store.database import Database
from mpf_core.store.tables import settings
from mpf_core.store.vault import DataKey


class SqlSettings:
    """Implements `mpf_core.store.port.RuntimeSettings`. A value cannot be read under another key than its own."""

    def __init__(self, db: Database, key: DataKey) -> None:
        self._db = db
        self._key = key

    def get(self, key: str) -> Json:
        """See `RuntimeSettings.get`. Raises Tampered when the value is not what an engine put there."""
        with self._db.read() as cursor:
            row = cursor.execute(self._db.compiled(_ONE), {"setting": key}).fetchone()
        if row is None:
            return None
        value: Json = json.loads(self._key.open(row[0], _bound(key)))
        return value

    def put(self, key: str, value: Json) -> None:
        """See `RuntimeSettings.put`."""
        with self._db.write() as cursor:
            cursor.execute(self._db.compiled(_REMOVE), {"setting": key})
            if value is not None:
                sealed = self._key.seal(json.dumps(value).encode("ascii"), _bound(key))
                cursor.execute(self._db.compiled(_ADD), {"key": key, "value": sealed})

    def keys(self, prefix: str = "") -> Sequence[str]:
        """See `RuntimeSettings.keys`."""
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.compiled(_KEYS), {}).fetchall()
        # Sorted here, because databases have their own ideas of the order of letters. There are few.
        return sorted(key for (key,) in rows if key.startswith(prefix))


def _bound(key: str) -> bytes:
    return json.dumps(["setting", key]).encode("ascii")


_ONE = select(settings.c.value).where(settings.c.key == bindparam("setting"))
_ADD = settings.insert().values(key=bindparam("key"), value=bindparam("value"))
_REMOVE = delete(settings).where(settings.c.key == bindparam("setting"))
_KEYS = select(settings.c.key)
