"""Models over training rows as a table with names: split, fit, calibrate, judge, register, score."""
