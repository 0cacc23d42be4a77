"""All features that there are, and what is said of them."""

from __future__ import annotations

from featurestore.features import VIEWS, feature_set, settled
from jobs.settings import load_settings
from models.reasons.phrases import Phrases, load_phrases
from models.reasons.wording import Wording, wording

CHOSEN = load_settings().features
EVERYTHING = feature_set(VIEWS, rfm_segments=CHOSEN.rfm_segments, views=settled(VIEWS, CHOSEN.parameters))
INPUTS = tuple(EVERYTHING.model_inputs)


def worded(phrases: Phrases | None = None, *, least: float = 0.01) -> Wording:
    """The phrases (by default those of conf/reasons.yml) bound to all features."""
    found = phrases or load_phrases()[0]
    return wording(found, EVERYTHING.features, currency="GBP", where="reasons.yml", families=3, least=least)
