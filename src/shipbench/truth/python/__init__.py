"""What Python code uses of a Python library, and whether that API exists."""
