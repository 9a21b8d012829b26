"""Answers batches of identity requests: users side by side, each one's requests in order."""

import asyncio
from collections.abc import Sequence

from contracts.passwords import ChangePassword
from contracts.sessions import Login, Logout, Refresh
from handlers.model.input_records import RequestRecord
from storage.ports.errors import StoreUnavailableError
from workers.identity.attempt import Attempt
from workers.identity.change_password import PasswordChange
from workers.identity.dependencies import IdentityDependencies
from workers.identity.hash_budget import HashBudget, HashShare
from workers.identity.idempotent_execution import IdempotentExecution
from workers.identity.logout import SignOut
from workers.identity.refresh import Renewal
from workers.identity.sign_in import SignIn
from workers.requests.answering import AnsweredRequest


class IdentityAnswerer:
    """Answers login, refresh, logout and change-password."""

    def __init__(self, dependencies: IdentityDependencies, *, batch_records_max: int) -> None:
        self._dependencies = dependencies
        self._execution = IdempotentExecution(dependencies)
        self._batch_records_max = batch_records_max

    @property
    def batch_records_max(self) -> int:
        """How many requests it takes at once."""
        return self._batch_records_max

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        """Answer each, in order.

        What was answered before a failure is stored: asked again, it is only said again.

        Raises:
            StoreUnavailableError: At least one has no answer.
        """
        queues: dict[str, list[RequestRecord]] = {}
        for each in asked:
            queues.setdefault(each.request.username, []).append(each)
        # All run to their end, so that no task of this batch goes on beside the next.
        done = await asyncio.gather(
            *(self._answer_user(queue) for queue in queues.values()), return_exceptions=True
        )
        said: dict[int, AnsweredRequest] = {}
        failures: list[BaseException] = []
        for answers in done:
            if isinstance(answers, BaseException):
                failures.append(answers)
            else:
                said.update((id(each.asked), each) for each in answers)
        # A store that is away explains other failures, and they are asked again with it.
        for failure in sorted(
            failures, key=lambda each: isinstance(each, StoreUnavailableError), reverse=True
        ):
            raise failure
        return [said[id(each)] for each in asked]

    async def _answer_user(self, queue: Sequence[RequestRecord]) -> list[AnsweredRequest]:
        turns = HashBudget()
        return [await self._execution.conclude(self._attempt(each, turns)) for each in queue]

    def _attempt(self, asked: RequestRecord, turns: HashBudget) -> Attempt:
        dependencies, request = self._dependencies, asked.request
        match request:
            case Login():
                turn = HashShare(turns, dependencies.metrics, hashings=1)
                return SignIn(dependencies, asked, request, turn)
            case Refresh():
                return Renewal(dependencies, asked, request)
            case Logout():
                return SignOut(dependencies, asked, request)
            case ChangePassword():
                turn = HashShare(turns, dependencies.metrics, hashings=2)
                return PasswordChange(dependencies, asked, request, turn)
            case _:
                raise AssertionError(f"{asked.type} is no request for this worker")
