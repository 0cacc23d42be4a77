"""Faults on purpose: real commands that are killed, starved or misled, run again, and held against a clean run."""
