"""How everything that is published is encoded."""

import msgspec

encoded = msgspec.json.Encoder().encode
"""JSON, compact and in the order given. Not `orjson`, whose every result occupies 4 KiB: thousands
of records wait in memory for their acknowledgement."""
