"""TreeSHAP as the package `shap` computes it itself, in a process of its own interpreter.

Run by `reasons` as a script; imports nothing of Tessera.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Explain `folder`/rows.npy by `folder`/model.ubj into `folder`/shap.npy, and print the package's version.

    Given a booster the package would ask XGBoost for the values; told that the trees are its own it walks them itself.
    """
    import numpy as np
    import shap
    import xgboost

    booster = xgboost.Booster(model_file=str(folder / "model.ubj"))
    booster.feature_names = None
    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "internal"
    rows = np.load(folder / "rows.npy")
    np.save(folder / "shap.npy", explainer.shap_values(rows, check_additivity=False))
    print(f"RESULT {shap.__version__}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
