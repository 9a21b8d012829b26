"""Records as they are read: bytes, whatever they hold."""

from typing import TypeAlias

from aiokafka import ConsumerRecord

Raw: TypeAlias = ConsumerRecord[bytes | None, bytes | None]
