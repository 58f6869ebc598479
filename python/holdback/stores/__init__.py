"""Stores: what a conversation masked, kept for its later turns and for other workers.

Keyed placeholders need none: the same value has the same placeholder everywhere. A store is for conversations that the
provider keeps (``previous_response_id``, memory tools), whose answers may hold placeholders of values that this request
does not have, and for detectors that may miss in turn two what they found in turn one.

>>> import asyncio
>>> from holdback import PIIMapping
>>> async def two_turns():
...     store = MemoryStore()
...     first = PIIMapping()
...     first.add("Ada", "<PERSON_1>", "PERSON")
...     await store.merge("a conversation", first, ttl=3600)
...     return (await store.load("a conversation")).get_original("<PERSON_1>")
>>> asyncio.run(two_turns())
'Ada'
"""

from holdback.errors import StoreError
from holdback.stores.base import Store
from holdback.stores.memory import MemoryStore
from holdback.stores.redis import RedisStore
from holdback.stores.sqlite import SqliteStore

__all__ = ["MemoryStore", "RedisStore", "SqliteStore", "Store", "StoreError"]
