"""Tessera's feature store: events in, point-in-time correct features and labels out."""
