"""What a reader must know before the first message: the introduction of the document."""

from collections.abc import Iterable

from contract_docs.access import GROUPS, SERVICE
from contract_docs.clients import CLIENTS, ClientFamily
from contracts.currencies import iso_scales
from contracts.sealing import Purpose

ISSUER_DEFAULT = AUDIENCE_DEFAULT = "accounts"
SEAL_AGE_MIN = 30
"""Minutes; as this and the next, what the workers are set to, which this package does not know: a test
holds them together."""
LEEWAY_S = 5
"""What `workers` and `client` allow for clocks."""

_TO_THE_CALLER = (Purpose.LOGIN_TOKENS, Purpose.REFRESH_TOKENS)
_DESCRIPTION = """\
Keeps user accounts and their money. Send commands to Kafka; each is decided once, in order per \
user, and answered. Every change of a balance is published. Send requests to sign users in and out \
and to ask; each is answered too.

## Sending a command

* The value is one flat JSON object; no header is needed. Unknown fields are refused. \
Leave out an optional field that you do not need: null counts as absent, but for what it clears in `update-profile`.
* `command_id` is yours: keep it when you send again, and the effect happens once. The same id with \
another content is refused as `command_id_conflict`.
* The record key is the username; without a key the username in the value counts. Another key than \
the username is a dead letter.
* Place keys as Kafka's own clients do, by murmur2: what to set for yours stands under Clients. Placed \
elsewhere they cost latency, and the guarantee for a command that relies on another; money stays exact.
* Amounts are decimal strings, at most as precise as the currency: refused, never rounded.
* Currencies are the current ones of ISO 4217 with minor units, and as many decimals: {scales}. Whoever runs \
the service may add others, such as `ETH` with 18. Any other is refused as `currency_unsupported`.
* Wait for the acknowledgement (`acks=all`) of one command before you send another that relies on \
it: then the second is never refused because the first was not read yet.

## Asking, signing in and out

* A request has a `request_id` instead of a command id, and is answered by a `Reply`. Requests are \
unordered; a question asked after a result was published sees what that result says.
* Name a `reply_to` that only you can read: a reply may hold a profile, and without `reply_to` it \
goes to `{prefix}results`.
* A sign-in, refresh, logout or change of password is honoured once under its `request_id`. No \
reply in time? Send the same within ten seconds and get the same reply; later the answer is \
`expired`. The same where it reaches us minutes late (five, by broker time, unless configured \
otherwise). Under its id another content, sealed fields included, is refused as \
`request_id_conflict`: seal once, and repeat what you sent. Questions have no such bounds.
* No reply in time to a command? `get-outcome` says what became of it, without sending it again.
* Failed sign-ins are counted by user and `source` together, by `source`, and by user, before the \
password is looked at; of IPv6 a `source` is its /64. `too_many_attempts` says in `retry_after_s` when \
it is tried again. Nothing tells whether a user exists.
* Keep the `device_token` of a sign-in on the user's device, also when they sign out, and send it \
sealed with the next sign-in there: that one is counted by itself, whatever strangers guess.
* A `next_cursor` continues a list under the same filters, however much money moves meanwhile. A \
page may be short, or empty, and still have one.

## Clients

What each family of Kafka clients does with a key unless told otherwise, and what to set:

{clients}

* Wait for the acknowledgement of all in-sync replicas (`acks=all`) of every command and request.
* Read with a consumer group of your own, under a name that your principal may use \
(`accounts-subscriber…` for the role subscriber), never in one of the service's ({groups}): what \
you take there no worker reads. Any assignor will do. Start at the beginning, and commit what you \
have dealt with.
* Who waits for answers reads all partitions of its reply topic in every process: with a group of \
its own for each, or without a group. Be at the end of it before you send: many clients look `latest` up \
with their first fetch only, so ask where it ends and begin there. Some (kafkajs, Spring's container) cannot read without a \
group: a name that begins as your principal's does (`accounts-sender…`, `accounts-gateway…`) may be used.
* The records of one user stand in one partition of a topic, until partitions are added.

## Rights and environments

* Each operation lists as `x-acl` which role needs which right in Kafka, the service's workers and \
those at the other end; `deploy/kafka-acls.sh` grants exactly these. `security` says how one signs \
in, which the cluster decides.
* The addresses of servers are templates: names below example.com stand for those of whoever runs the \
service. They are `contact`, too.

## Sealed fields and tokens

* Passwords and tokens travel sealed (JWE compact, `ECDH-ES` with `A256GCM`) to the key at \
`/.well-known/sealing-keys.json`, never readable. The protected header binds `kid`, `cid` \
(the command or request id), `sub` (the username), `purpose`, `iat`, and, in a request with a \
`reply_key`, `rkt`: that key's thumbprint (RFC 7638, by SHA-256, as base64url).
* That key, the only one of its set, has `kty` OKP, `crv` X25519, `use` enc and `alg` ECDH-ES, and its `kid` goes into the header. Read \
it again from the sidecar before you seal, or keep it for minutes: keys are changed, and the former one opens for days.
* `iat` is an integer, seconds since 1970. In a request it may be {seal_age_min} minutes from the broker's time of \
the record, before or after; else the answer is `seal_invalid`. In a registration any will do.
* Purposes of what you seal: {sealed}.
* A claim is 43 to 128 characters of base64url, made from 32 random bytes or more. Who opens an account \
seals it as it is for `open`, and gives it to the user by a way of their own. Who registers with it takes the account \
over, once: `sealed_claim` of `register` holds the JSON object `{"claim": …, "password": …}` with the password of \
`sealed_password`. A claim cannot be changed or made afterwards.
* `sealed_passwords` holds the JSON object `{"password": …, "new_password": …}`: the old password and \
the new one, sealed together.
* Tokens come back sealed to `reply_key`, a key pair made for this one request: check `cid`, `sub` \
and `purpose` ({opened}) when you open them.
* An access token is a JWT (`typ` `at+jwt`, `ES256`) with `iss`, `aud`, `sub`, `sid`, `jti`, `iat`, \
`nbf`, `exp` and `epoch`, signed by a key at `/.well-known/jwks.json` (`kty` EC, `crv` P-256, `use` sig, `alg` ES256; take the one \
that its `kid` names). `iss` is `{issuer}` and `aud` is `{audience}`, unless configured otherwise; `iat`, `nbf` and \
`exp` are integers, seconds since 1970, five minutes from the first to the last unless configured otherwise. \
Let clocks differ by {leeway_s} seconds. Verify it by \
yourself, and refuse it where its `sid` stands on `{prefix}state.revocations`.
* A refresh token is good for one refresh. Spent again by another request it is refused as \
`token_superseded` for ten seconds; after that it counts as stolen: `token_reused`, and the session \
ends.
* A changed password ends every other session of its user. The own one goes on, but its access \
token is of before: refresh it.

## Reading answers and events

* An answer or reply goes to the topic named in the header `reply_to` (`{prefix}replies.…`), otherwise to \
`{prefix}results`. If your topic cannot be written, it goes to `{prefix}results` too, marked with \
the header `undelivered_reply_to`.
* Answers take milliseconds, where a password is hashed up to a second, under a heavy load more. No answer in time, three \
seconds say, means unknown, not refused: send the same again, byte for byte.
* Everything may be repeated. Balance events carry `sequence` 1, 2, 3 … per account: drop what is \
not above the last one. Those of `accounts.balance-changed.v1` count in the same sequence.
* Read with `isolation.level=read_committed`.
* More may come: ignore fields and `ce_type`s you do not know, and pass on values you do not know of a field with `x-extensible-enum`. An unknown `code` is a refusal; an unknown `kind` still changes the balance; an unknown `status` without `error` is no answer yet. Ids may have any characters.
"""


def description(prefix: str) -> str:
    """Return the introduction for topics under *prefix*."""
    sealed = _listed(purpose for purpose in Purpose if purpose not in _TO_THE_CALLER)
    said = {
        "prefix": prefix,
        "sealed": sealed,
        "opened": _listed(_TO_THE_CALLER),
        "clients": "\n".join(map(_client, CLIENTS)),
        "groups": _listed(name for role in SERVICE for name in GROUPS.get(role, ())),
        "scales": _scales(),
        "issuer": ISSUER_DEFAULT,
        "audience": AUDIENCE_DEFAULT,
        "seal_age_min": str(SEAL_AGE_MIN),
        "leeway_s": str(LEEWAY_S),
    }
    text = _DESCRIPTION
    for name, value in said.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _client(client: ClientFamily) -> str:
    return f"* {client.name}: {client.places}. To send, set {client.to_send}; to read, {client.to_read}."


def _scales() -> str:
    """Return which currencies have how many decimals; most have two."""
    found: dict[int, list[str]] = {}
    for code, scale in sorted(iso_scales().items()):
        found.setdefault(scale, []).append(code)
    most = max(found, key=lambda scale: len(found[scale]))
    rest = [f"{scale} of {_listed(found[scale])}" for scale in sorted(found) if scale != most]
    return f"{'; '.join(rest)}; {most} of all others"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
