"""One module for each agent CLI: how it is started, pointed at the gateway, and read."""
