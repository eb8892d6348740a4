"""Measures shipbench on this machine, always against a peer in the same run: `python -m bench [NAME…]`."""
