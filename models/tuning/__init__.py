"""A search for better parameters: folds of time, a study that survives a kill, a verdict on time it has not seen."""
