"""What a reader must know before the first message: the introduction of the document."""

DESCRIPTION = """\
Keeps user accounts and their money. Send commands to Kafka; each is decided once, in order per \
user, and answered. Every change of a balance is published.

## Sending a command

* The value is one flat JSON object; no header is needed. Unknown fields are refused.
* `command_id` is yours: keep it when you send again, and the effect happens once. The same id with \
another content is refused as `command_id_conflict`.
* The record key is the username; without a key the username in the value counts. Another key than \
the username is a dead letter.
* Partition like Kafka's own clients (murmur2). With librdkafka set `partitioner=murmur2_random`: \
its default places keys elsewhere, which costs latency, though never correctness.
* Amounts are decimal strings, at most as precise as the currency: refused, never rounded.
* Wait for the acknowledgement (`acks=all`) of one command before you send another that relies on \
it: then the second is never refused because the first was not read yet.
* Passwords travel sealed (JWE, `ECDH-ES` with `A256GCM`) to the key at `/.well-known/jwks.json`, \
never readable. The protected header binds `cid` (the command id), `sub` (the username), `purpose` \
(`register.sealed_password`), `iat` and `kid`.

## Reading answers and events

* An answer goes to the topic named in the header `reply_to` (`{prefix}replies.…`), otherwise to \
`{prefix}results`. If your topic cannot be written, it goes to `{prefix}results` too, marked with \
the header `undelivered_reply_to`.
* No answer in time means unknown, not refused: send the same command again.
* Everything may be repeated. Balance events carry `sequence` 1, 2, 3 … per account: drop what is \
not above the last one.
* Read with `isolation.level=read_committed`, and ignore fields you do not know: more may come.
"""
