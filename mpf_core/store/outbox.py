"""Messages that wait for delivery, in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from mpf_core.provider import Json
from mpf_core.store.database import Database
from mpf_core.store.port import Message
from mpf_core.store.tables import outbox


class SqlOutbox:
    """Implements `mpf_core.store.port.Outbox`. A journal in SQL adds its messages in the transaction that they tell of."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, topic: str, body: Json) -> None:
        """Add a message by itself."""
        with self._db.write(sync=False) as cursor:
            cursor.execute(self._db.compiled(_ADD), {"topic": topic, "body": json.dumps(body)})

    def pending(self, limit: int = 100) -> Sequence[Message]:
        """See `Outbox.pending`."""
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.compiled(_OLDEST), {"most": limit}).fetchall()
        return [Message(number, topic, json.loads(body)) for number, topic, body in rows]

    def delivered(self, ids: Sequence[int]) -> None:
        """See `Outbox.delivered`. Unknown ids are no error: a message may have been delivered twice."""
        if not ids:
            return
        with self._db.write(sync=False) as cursor:
            cursor.executemany(self._db.compiled(_REMOVE), [{"number": number} for number in ids])


_ADD = outbox.insert().values(topic=bindparam("topic"), body=bindparam("body"))
_OLDEST = select(outbox.c.id, outbox.c.topic, outbox.c.body).order_by(outbox.c.id).limit(bindparam("most"))
_REMOVE = delete(outbox).where(outbox.c.id == bindparam("number"))
