"""P4, P10, P18: who has a document that somebody changed in the store is the only one who notices, and is never paid out."""

import re
from collections.abc import Iterable, Sequence

from contracts.codes import Code
from tests.simulation.checker.answers import MODELS, TOPICS_BY_NAME, is_sound
from tests.simulation.checker.evidence import Evidence, Findings, Stood, Struck, named
from tests.simulation.checker.flaws import failed_on

ALWAYS = "S: "
"""Begins what is found of the struck user, and holds for that user too."""


def check_struck(evidence: Evidence) -> Findings:
    """Look at what became of the struck user's commands, and of the document."""
    struck = evidence.struck
    if struck is None:
        return
    yield from _ended(evidence, struck)
    for number, _ in struck.after:
        yield f"{ALWAYS}P18: {struck.id} was written at {number}, and was changed by hand before"
    if struck.collection != "accounts":
        return
    for name, versions in evidence.written.get("outcomes", {}).items():
        number, outcome = versions[0]
        if outcome is None or number < struck.number or not _is_of(struck, name):
            continue
        if "code" not in outcome:
            yield f"{ALWAYS}P18: {name} was accepted on what was changed by hand before"


def _ended(evidence: Evidence, struck: Struck) -> Findings:
    """P4: each of the user's records is answered, or a dead letter for that reason."""
    for record in evidence.inputs:
        name = named(record.body)
        if record.body.get("username") != struck.username:
            continue
        is_answered = name in evidence.answers or name in evidence.replies
        if _is_dead_for_another_reason(evidence, record):
            yield f"{ALWAYS}P4: {name} is a dead letter for another reason than what was changed"
        if not is_answered and not evidence.is_dead(record):
            yield f"{ALWAYS}P4: {name} is neither answered nor a dead letter"


def _is_dead_for_another_reason(evidence: Evidence, record: Stood) -> bool:
    codes, model = evidence.dead_codes(record), MODELS[TOPICS_BY_NAME[record.topic]]
    if codes <= {Code.ACCOUNT_UNREADABLE.value.encode()} or not is_sound(record, model):
        return False
    return not failed_on(evidence, record)


def unless_struck(struck: Struck | None, found: Iterable[str]) -> Sequence[str]:
    """Return what is *found* of all others, and what holds of the struck user too."""
    if struck is None:
        return [*found]
    return [
        each.removeprefix(ALWAYS)
        for each in found
        if each.startswith(ALWAYS) or not _is_of(struck, each)
    ]


def verified(struck: Struck | None, found: Sequence[str]) -> Sequence[str]:
    """Return what verification *found* of all others, or that it has missed the struck user."""
    others = unless_struck(struck, found)
    if struck is not None and len(others) == len(found):
        return [*others, f"P18: verify says nothing of {struck.collection} {struck.id}"]
    return others


def _is_of(struck: Struck, text: str) -> bool:
    return re.search(rf"\b{re.escape(struck.username)}\b", text) is not None
