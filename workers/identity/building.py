"""Builds the two answerers of the identity worker from its ports."""

from workers.credentials.password_gate import common_passwords
from workers.identity.answerer import IdentityAnswerer
from workers.identity.dependencies import IdentityDependencies
from workers.requests.answering import Answerer

SIGN_INS_PER_THREAD_MAX = 8
"""Sign-ins taken at once, per hashing thread: about two seconds' work, so that the threads idle
little between batches and a rebalance or a stop need not wait longer."""

SESSIONS_BATCH_MAX = 200
"""Refreshes and logouts taken at once: enough to keep the store busy, done within a second."""


def identity_answerers(dependencies: IdentityDependencies) -> tuple[Answerer, Answerer]:
    """Return who answers login and change-password, and who answers refresh and logout.

    They read in groups of their own: nobody who is signed in waits for those who sign in.
    """
    common_passwords()  # read now, so that no change of a password holds up the loop
    sign_ins = SIGN_INS_PER_THREAD_MAX * dependencies.hasher.pool.size
    return (
        IdentityAnswerer(dependencies, batch_records_max=sign_ins),
        IdentityAnswerer(dependencies, batch_records_max=SESSIONS_BATCH_MAX),
    )
