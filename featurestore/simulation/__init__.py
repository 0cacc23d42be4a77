"""Simulated customers whose true probabilities are known: raw exports of a shop, and the truth beside them.

randomness   numbers that depend on (seed, customer, purpose, counter) and on nothing else
season       warped time: a year in which some weeks are longer than others
process      births, orders, views, dropout and tickets of a block of customers
posterior    what an ideal observer knows of a customer at an instant
predictive   the same for spend and decline, by integration and by sampling
world        everything that fixes one simulation
rows         the rows that each export holds, before any dirt
dirt         rows that real exports have too many of
wording      numbers and instants as text
exports      those rows as a shop writes them, Arrow
truth        probabilities of outcomes at given days, Arrow
frames       the same as Spark DataFrames
simulate     written to a folder
"""

from __future__ import annotations
