"""Where trials run: on this machine, several at a time."""
