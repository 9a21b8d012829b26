"""Where things are, for tests that look at the repository itself."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
