"""The leakage guard: what a training set must not show, one rule a module, run before every fit."""
