"""What can be seen of a process: numbers, health, log lines, and why it ended."""
