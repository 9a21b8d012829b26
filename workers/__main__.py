"""`python -m workers` is the same as `accounts`."""

from workers.cli.app import main

main()
