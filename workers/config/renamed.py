"""Settings that were renamed: an old name is refused with the new one, never read."""

RENAMED = {
    "ledger_publish_deadline_ms": "worker_publish_deadline_ms",
    "ledger_reply_timeout_ms": "worker_reply_timeout_ms",
    "ledger_reply_retry_s": "worker_reply_retry_s",
    "ledger_revoke_timeout_ms": "worker_revoke_timeout_ms",
    "ledger_shutdown_timeout_ms": "worker_shutdown_timeout_ms",
    "ledger_retry_backoff_ms": "worker_retry_backoff_ms",
    "ledger_retry_backoff_max_ms": "worker_retry_backoff_max_ms",
    "ledger_session_timeout_ms": "worker_session_timeout_ms",
}
"""Old name → new name. Read under its old name, a setting would have two values at once."""
