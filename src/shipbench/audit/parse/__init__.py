"""Readers of the formats that an application is made of: bytes in, plain values out; nothing is opened or executed."""
