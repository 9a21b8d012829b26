"""What this service says and hears: the package other services install, free of I/O."""
