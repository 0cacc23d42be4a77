"""What each algorithm can be told, with its defaults: written here and nowhere else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from featurestore.configuration import Strict


class Preprocessing(Strict):
    """What is done to columns before a model that needs it; all of it is learned from the fitted rows alone.

    `impute` fills a missing number (`constant` with `fill`), and `missing_flags` adds a 0/1 column for each
    column that had one; `log` is sign(x) log1p(|x|); `scale` comes after it. Words become 0/1 columns (`one_hot`)
    or their codes (`ordinal`). Constant columns go, and of two with |r| above `correlated_above` the later one.
    `pca` is the share of variance that principal components keep; null keeps the columns themselves.
    """

    impute: Literal["median", "mean", "mode", "constant"] = "median"
    fill: float = 0.0
    missing_flags: bool = True
    log: bool = True
    scale: Literal["z_score", "min_max", "none"] = "z_score"
    words: Literal["one_hot", "ordinal"] = "one_hot"
    correlated_above: float | None = Field(default=0.999, gt=0, le=1)
    pca: float | None = Field(default=None, gt=0, lt=1)


TREES_NEED = Preprocessing(log=False, scale="none", words="ordinal", correlated_above=None)


class InMemory(Strict):
    """`sample_rows` are read on the driver: all that an algorithm of one machine learns from, however many there are.

    Of those that Spark trains on all rows it is what their preprocessing is learned from.
    """

    sample_rows: int = Field(default=100_000, gt=0)
    preprocessing: Preprocessing = Preprocessing()


class LogisticRegressionParameters(InMemory):
    """`c` is the inverse of the L2 penalty."""

    c: float = Field(default=0.1, gt=0)
    max_iterations: int = Field(default=500, gt=0)


class DecisionTreeParameters(InMemory):
    """One tree; `min_leaf` is the fewest rows of a leaf."""

    preprocessing: Preprocessing = TREES_NEED
    max_depth: int = Field(default=6, gt=0)
    min_leaf: int = Field(default=50, gt=0)


class RandomForestParameters(InMemory):
    """`share_of_features` are tried at a split."""

    sample_rows: int = Field(default=50_000, gt=0)
    preprocessing: Preprocessing = TREES_NEED
    trees: int = Field(default=200, gt=0)
    max_depth: int = Field(default=12, gt=0)
    min_leaf: int = Field(default=20, gt=0)
    share_of_features: float = Field(default=0.3, gt=0, le=1)


class GradientBoostingParameters(InMemory):
    """Boosted trees over histograms, stopped where the log loss of the stopping rows no longer falls."""

    preprocessing: Preprocessing = TREES_NEED
    trees: int = Field(default=400, gt=0)
    max_depth: int = Field(default=4, gt=0)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_leaf: int = Field(default=20, gt=0)
    early_stopping_rounds: int = Field(default=30, gt=0)


class KnnParameters(InMemory):
    """The share of `neighbours` with the outcome, Laplace's one of either added."""

    sample_rows: int = Field(default=20_000, gt=0)
    neighbours: int = Field(default=100, gt=0)


class SvmParameters(InMemory):
    """A kernel machine; its margins become log-odds by Platt's sigmoid on the stopping rows."""

    sample_rows: int = Field(default=5_000, gt=0)
    c: float = Field(default=1.0, gt=0)
    kernel: Literal["rbf", "linear"] = "rbf"


class PerceptronParameters(InMemory):
    """A network of fully connected layers; `alpha` is its L2 penalty."""

    sample_rows: int = Field(default=50_000, gt=0)
    layers: tuple[int, ...] = Field(default=(32, 16), min_length=1)
    alpha: float = Field(default=1.0, ge=0)
    learning_rate: float = Field(default=0.001, gt=0)
    epochs: int = Field(default=20, gt=0)


class BoostingSettings(Strict):
    """Trees and how they are grown; XGBoost's own meaning of each."""

    trees: int = Field(gt=0)
    max_depth: int = Field(gt=0)
    learning_rate: float = Field(gt=0, le=1)
    early_stopping_rounds: int = Field(gt=0)
    subsample: float = Field(gt=0, le=1)
    colsample_bytree: float = Field(gt=0, le=1)
    min_child_weight: float = Field(ge=0)
    num_workers: int = Field(gt=0)


class XGBoostParameters(BoostingSettings):
    """What XGBoost is given; the values are those of the section `training` of the settings."""

    def native(self) -> dict[str, Any]:
        """What XGBoost reads beside the number of trees, under its names."""
        return self.model_dump(exclude={"trees", "early_stopping_rounds", "num_workers"})


class AlgorithmSettings(Strict):
    """The section `training.algorithms`: what differs from the defaults, by algorithm."""

    logistic_regression: LogisticRegressionParameters = LogisticRegressionParameters()
    decision_tree: DecisionTreeParameters = DecisionTreeParameters()
    random_forest: RandomForestParameters = RandomForestParameters()
    gradient_boosting: GradientBoostingParameters = GradientBoostingParameters()
    knn: KnnParameters = KnnParameters()
    svm: SvmParameters = SvmParameters()
    multilayer_perceptron: PerceptronParameters = PerceptronParameters()
