"""Who may sign in, and nobody else: credentials, and what sign-ins were told."""

from passlib.context import CryptContext

from contracts.topics import LOGIN, REGISTER
from handlers.identity.passwords import prepared
from tests.simulation.checker.evidence import Evidence, Findings
from tests.simulation.keys import opened

_CONTEXT = CryptContext(schemes=["argon2"])


def check_credentials(evidence: Evidence) -> Findings:
    """Hold every credential against the registration that was accepted."""
    if evidence.history.remakes:
        return  # registrations may be gone
    chosen: dict[str, set[str]] = {}
    for record in evidence.topics.get(REGISTER.name, ()):
        body = record.body
        name = f"{body.get('username')}:{body.get('command_id')}"
        outcome = evidence.outcomes.get(name)
        if outcome is None or "code" in outcome or outcome["type"] != "register":
            continue
        chosen.setdefault(body["username"], set()).add(opened(body["sealed_password"]))
    stored = {each["_id"]: each for each in evidence.documents.get("credentials", ())}
    for username in stored.keys() - chosen.keys():
        yield f"P2: {username} has a credential, and no registration was accepted"
    for username, passwords in chosen.items():
        credential = stored.get(username)
        if credential is None:
            yield f"P4: {username} is registered, and has no credential"
        elif not any(_is_of(prepared(one), credential["hash"]) for one in sorted(passwords)):
            yield f"P3: {username} has another password than the one registered"
    yield from _sign_ins(evidence, chosen)


def _sign_ins(evidence: Evidence, chosen: dict[str, set[str]]) -> Findings:
    for record in evidence.topics.get(LOGIN.name, ()):
        body = record.body
        name = f"{body.get('username')}:{body.get('request_id')}"
        password = opened(body.get("sealed_password", ""))
        for reply in evidence.replies.get(name, ()):
            said = reply.body
            if said["status"] == "accepted" and password not in chosen.get(body["username"], ()):
                yield f"P8: {name} signed in with a password that nobody chose"


def _is_of(password: str, known: str) -> bool:
    # The package has no types.
    return bool(_CONTEXT.verify(password, known))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
