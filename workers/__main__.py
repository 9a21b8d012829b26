"""`python -m workers` is the same as `accounts`."""

from cli.app import main

main()
