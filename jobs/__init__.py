"""Tessera's jobs, one file a verb: arguments, settings, session, read, call, write."""
