"""Where hostile processes run: bubblewrap, or the host when asked for by name."""
