"""The limits of the guard's rules: judgements made on real and planted leaks, so settings."""

from __future__ import annotations

from pydantic import Field

from featurestore.configuration import Strict


class GuardSettings(Strict):
    """The section `guard` of the settings; the measurements behind the defaults are those of `bench guard`.

    `unverified_allowed` names features that no events can give again and that are used all the same.
    """

    sample_rows: int = Field(default=40, gt=0)
    unverified_allowed: tuple[str, ...] = ()
    univariate_auc: float = Field(default=0.85, gt=0.5, le=1)
    standout_auc: float = Field(default=0.80, gt=0.5, le=1)
    standout_margin: float = Field(default=0.10, gt=0)
    removal_loss: float = Field(default=0.05, gt=0)
    alike: float = Field(default=0.9, gt=0, le=1)
    strongest: int = Field(default=20, gt=0)
    max_rows: int = Field(default=5_000, gt=0, le=50_000)
    association: float = Field(default=0.7, gt=0, le=1)
    test_auc: float = Field(default=0.98, gt=0.5, le=1)
    repeated_share: float = Field(default=0.01, gt=0, le=1)
    identifier_share: float = Field(default=0.99, gt=0, le=1)
    rate_jump: float = Field(default=1.0, gt=0)
