"""Segments of customers: clusters with a reason for their number, personas, behavioural rules, and what they show."""
