"""The query worker: questions about accounts and commands, answered from what is stored."""
