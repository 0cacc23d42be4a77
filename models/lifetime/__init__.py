"""Lifetime: is a customer still one, how often will they order, what will that be worth."""
