"""A small segment model and limits for tests."""

from __future__ import annotations

from jobs.settings import load_settings
from models.segments.choose_k import Candidate
from models.segments.comparison import Rival
from models.segments.measures import Scales
from models.segments.record import Cluster, SegmentModel, meaning_of_measures

LIMITS = load_settings().segments
SCALES = Scales((3.0, 1.0, 5.0), (1.0, 0.5, 0.8))
CANDIDATE = Candidate(3, 0.2, 0.99, 0.95, 1.1, 0.4, 0.3)
MODEL = SegmentModel(
    "2024-01-01", "2023-12-04", 500, SCALES,
    (Cluster(2, (-1.0, 1.0, 0.0), (6.4, 3.5, 148.4), "Loyal regulars, medium baskets", 300, None),
     Cluster(5, (1.0, -1.0, 0.0), (53.6, 0.6, 148.4), "One-time visitors, medium baskets", 200, 0.25)),
    6, (CANDIDATE,), (Rival("DBSCAN", 1, 0.1, 0.9, 0.05, 0.2, 400, "radius 0.3"),), meaning_of_measures(), "training-1",
)  # fmt: skip
