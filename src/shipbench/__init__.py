"""shipbench: would you ship what the coding agent built?"""

__version__ = "0.1.0"
