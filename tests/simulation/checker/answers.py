"""P2 to P4: every record is answered or a dead letter, and the same question always has the same answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from contracts.codes import known_code
from contracts.commands import COMMANDS, AnyCommand
from contracts.requests import REQUESTS, AnyRequest
from contracts.topics import AUDIT_EVENTS, INPUTS, TOPICS, TopicSpec
from tests.simulation.checker.evidence import Evidence, Findings, Stood

_IDS = {**dict.fromkeys(COMMANDS, "command_id"), **dict.fromkeys(REQUESTS, "request_id")}
_MODELS: Mapping[TopicSpec, type[AnyCommand | AnyRequest]] = {**COMMANDS, **REQUESTS}


def check_answers(evidence: Evidence) -> Findings:
    """Look at every record that was sent, and at every answer."""
    yield from (f"P4: {each}" for each in evidence.unread)
    yield from _all_answered(evidence)
    yield from _one_answer(evidence)
    yield from _recorded(evidence)
    yield from _audited(evidence)


def _all_answered(evidence: Evidence) -> Findings:
    for topic in TOPICS:
        if topic.kind not in INPUTS:
            continue
        identifier, model = _IDS[topic], _MODELS[topic]
        said = evidence.answers if identifier == "command_id" else evidence.replies
        waiting: dict[str, int] = {}
        for record in evidence.topics.get(topic.name, ()):
            place = f"{record.topic}-{record.partition}@{record.offset}"
            body = record.body
            name = f"{body.get('username')}:{body.get(identifier)}"
            if evidence.is_dead(record):
                if not evidence.history.remakes and _is_sound(record, model):
                    yield f"P4: {place} is a dead letter, and nothing is wrong with it"
            else:
                waiting[name] = waiting.get(name, 0) + 1
                if name not in said:
                    yield f"P4: {place} ({name}) is neither answered nor a dead letter"
        yield from (
            f"P4: {name} stands there {count} times, and has {len(said[name])} answers"
            for name, count in waiting.items()
            if len(said.get(name, ())) < count and name in said
        )


def _is_sound(record: Stood, model: type[AnyCommand | AnyRequest]) -> bool:
    try:
        body = model.model_validate_json(record.value or b"")
    except ValidationError:
        return False
    return record.key in (None, body.username.encode())


def decisive(answer: Stood) -> bool:
    """Say whether *answer* tells of the decision, and not of what is wrong with one record."""
    error = answer.body.get("error")
    code = None if error is None else known_code(error["code"])
    return code is None or code.info.recorded


def _once(value: bytes | None) -> bytes:
    return (value or b"").replace(b'"duplicate":true', b'"duplicate":false')


def _one_answer(evidence: Evidence) -> Findings:
    for name, answers in evidence.answers.items():
        decided = {_once(each.value) for each in answers if decisive(each)}
        if len(decided) > 1:
            yield f"P3: {name} has {len(decided)} answers: {sorted(decided)}"
        if evidence.history.remakes:
            continue  # what was sent before may be gone
        if any(each.body["duplicate"] for each in answers) and not any(
            count > 1 for count in (_copies(evidence).get(name, 0),)
        ):
            yield f"P3: {name} was sent once, and its answer says that it is a repeat"


def _copies(evidence: Evidence) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for each in evidence.commands:
        body = each.body
        name = f"{body.get('username')}:{body.get('command_id')}"
        counts[name] = counts.get(name, 0) + 1
    return counts


def _recorded(evidence: Evidence) -> Findings:
    """P2: what is answered is recorded, and nothing else is."""
    told: dict[str, Stood] = {}
    for name, answers in evidence.answers.items():
        decided: Sequence[Stood] = [each for each in answers if decisive(each)]
        if decided:
            told[name] = decided[0]
    for name, answer in told.items():
        outcome = evidence.outcomes.get(name)
        if outcome is None:
            yield f"P2: {name} is answered, and no outcome is recorded"
            continue
        body: dict[str, Any] = answer.body
        nothing: dict[str, Any] = {}
        code = (body.get("error") or nothing).get("code")
        sequence = (body.get("entry") or nothing).get("sequence")
        if (outcome.get("code"), outcome.get("sequence")) != (code, sequence):
            yield f"P2: {name} is answered {code} {sequence}, recorded otherwise"
    yield from (
        f"P2: {name} is recorded, and was never answered"
        for name in evidence.outcomes
        if name not in told
    )


def _audited(evidence: Evidence) -> Findings:
    """One audit event for each decision; repeats say the same."""
    said: dict[str, bytes | None] = {}
    for each in evidence.topics.get(AUDIT_EVENTS.name, ()):
        body = each.body
        known = said.setdefault(body["event_id"], each.value)
        is_recorded = body["event_id"].removesuffix(":audit") in evidence.outcomes
        if known != each.value and is_recorded:
            yield f"P5: the audit event {body['event_id']} is said in two ways"
    for name in evidence.outcomes:
        if f"{name}:audit" not in said:
            yield f"P4: {name} has no audit event"
