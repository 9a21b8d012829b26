"""P2 to P4, P8: who may sign in, and nobody else: what each credential opens, from one change to the next."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from passlib.context import CryptContext

from contracts.passwords import Passwords
from contracts.topics import CHANGE_PASSWORD, LOGIN, REGISTER
from handlers.identity.passwords import prepared
from tests.simulation.checker.decided import Decided, as_of, decided
from tests.simulation.checker.evidence import Evidence, Findings, Stood, Versions, named
from tests.simulation.keys import opened

_CONTEXT = CryptContext(schemes=["argon2"])

Chosen = Mapping[str, Sequence[tuple[int, str]]]
"""User → the passwords that were taken, each with the number of what it was stored by."""


def check_credentials(evidence: Evidence) -> Findings:
    """Hold every credential against the registration and the changes that were accepted, and every sign-in against it."""
    stored = evidence.written.get("credentials", {})
    chosen = _chosen(evidence, stored)
    for username in stored.keys() - chosen.keys():
        if REGISTER.name not in evidence.remade:  # else its registration may be gone
            yield f"P2: {username} has a credential, and no registration was accepted"
    for username, passwords in chosen.items():
        if not passwords:
            yield f"P4: {username} is registered, and has no credential"
        yield from _kept(username, stored.get(username, ()), passwords)
    for each in decided(evidence, LOGIN):
        yield from _signed_in(each, stored.get(each.username, ()))


def _chosen(evidence: Evidence, stored: Mapping[str, Versions]) -> Chosen:
    found: dict[str, list[tuple[int, str]]] = {}
    for record in _registrations(evidence):
        body = record.body
        passwords = found.setdefault(body["username"], [])
        versions = stored.get(body["username"])
        if versions:
            passwords.append((versions[0][0], opened(body["sealed_password"])))
    for each in decided(evidence, CHANGE_PASSWORD):
        secrets = Passwords.opened(opened(each.record.body["sealed_passwords"]))
        if each.is_accepted and secrets is not None and each.username in found:
            found[each.username].append((each.number, secrets.new_password))
    for passwords in found.values():
        passwords.sort(key=lambda one: one[0])
    return found


def _registrations(evidence: Evidence) -> Iterator[Stood]:
    """Yield the records by which a registration was accepted."""
    for record in evidence.topics.get(REGISTER.name, ()):
        outcome = evidence.outcomes.get(named(record.body))
        if outcome is None or "code" in outcome or outcome["type"] != "register":
            continue
        source = outcome["source"]
        if (source["partition"], source["offset"]) == (record.partition, record.offset):
            yield record


def _kept(username: str, versions: Versions, passwords: Sequence[tuple[int, str]]) -> Findings:
    """P3, P7: what is stored opens by the password that was chosen last, and by no other."""
    epoch = -1
    for number, credential in versions:
        if credential is None:
            yield f"P2: the credential of {username} was deleted"
            return
        wanted = [password for at, password in passwords if at <= number]
        if wanted and not _is_of(wanted[-1], credential["hash"]):
            yield f"P3: {username} has another password than the one chosen last"
            return
        if credential.get("epoch", 0) < epoch:
            yield f"P7: the credential of {username} went back from epoch {epoch}"
        epoch = credential.get("epoch", 0)


def _signed_in(each: Decided, versions: Versions) -> Findings:
    """P8: the right password signs in, and no other does."""
    password = opened(each.record.body["sealed_password"])
    then = as_of(versions, each.number)
    is_right = then is not None and _is_of(password, then["hash"])
    if each.is_accepted and not is_right:
        yield f"P8: {each.name} signed in with a password that was not the user's"
    before = as_of(versions, each.record.number)
    if each.code == "invalid_credentials" and is_right and before is not None:
        known = [before, *(one for at, one in versions if each.record.number < at <= each.number)]
        if all(one is not None and _is_of(password, one["hash"]) for one in known):
            yield f"P8: {each.name} was refused, and its password was right"


@cache
def _is_of(password: str, known: str) -> bool:
    # The package has no types.
    return bool(_CONTEXT.verify(prepared(password), known))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
