"""Malformed inputs, drawn by a seed: each a command, the file that it is given, and how it may end."""
