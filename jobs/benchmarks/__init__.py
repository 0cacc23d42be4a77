"""Benchmarks, one question a file: `run(run)` measures every contender on the same data and returns figures."""
