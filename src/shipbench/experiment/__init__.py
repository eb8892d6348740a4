"""An experiment file becomes digest-locked trial specs."""
