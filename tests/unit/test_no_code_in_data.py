"""What is read is data: no module loads pickles or evaluates text, no page lets text through, no name leads outside."""

from __future__ import annotations

import ast

import pytest

from featurestore.errors import ConfigurationError
from featurestore.tables import Warehouse
from tests.conftest import ROOT

MODULES = sorted(
    path for package in ("featurestore", "models", "jobs", "launcher") for path in (ROOT / package).rglob("*.py")
)
RUN_WHAT_THEY_READ = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "cloudpickle"}
CALLS = {"eval", "exec", "compile", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load",
         "yaml.safe_load", "pickle.loads", "pd.read_pickle", "os.system", "os.popen",
         "mlflow.pyfunc.load_model", "mlflow.sklearn.load_model", "mlflow.xgboost.load_model",
         "mlflow.spark.load_model"}  # fmt: skip
PERMITS = {"shell", "allow_pickle"}
"""Options that let a harmless call run what it is given."""
ALLOWED = {
    # Sends the code of a person's own views to the executors; nothing is read by it.
    ("featurestore/shipping.py", "cloudpickle"),
}


def _found(path):
    """Imports and calls of a module that could run what it reads."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (one.name.split(".")[0] for one in names if one.name.split(".")[0] in RUN_WHAT_THEY_READ)
            case ast.ImportFrom(module=module, names=names):
                imported = {(module or "").split(".")[0], *(one.name for one in names)}
                yield from imported & RUN_WHAT_THEY_READ
            case ast.Call(func=func, keywords=keywords):
                if ast.unparse(func) in CALLS:
                    yield ast.unparse(func)
                yield from (f"{one.arg} in {ast.unparse(func)}" for one in keywords if one.arg in PERMITS)


def test_no_module_runs_what_it_reads():
    found = {(path.relative_to(ROOT).as_posix(), what) for path in MODULES for what in _found(path)}
    assert found == ALLOWED


def test_the_rule_sees_what_it_forbids(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("import pickle\nfrom joblib import load\nyaml.load(x)\nsubprocess.run(x, shell=True)\neval(x)\n"
                   "np.load(x, allow_pickle=True)\n")  # fmt: skip
    assert set(_found(bad)) == {"pickle", "joblib", "yaml.load", "shell in subprocess.run", "eval",
                                "allow_pickle in np.load"}  # fmt: skip


def test_every_page_escapes_and_no_template_lets_text_through():
    made = [node for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Environment")]  # fmt: skip
    assert made and all({one.arg: ast.unparse(one.value) for one in call.keywords}.get("autoescape") == "True"
                        for call in made)  # fmt: skip
    templates = [path.read_text(encoding="utf-8") for path in (ROOT / "models").rglob("*.j2")]
    assert templates
    for text in templates:
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text and "<script" not in text


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "..", "", "a/b", "a\\b", "A", "a-b", "a b", "a\n", "ä", "a`", "_a", "1a"]
)
def test_a_table_is_in_the_warehouse(name, tmp_path):
    warehouse = Warehouse(None, str(tmp_path))
    with pytest.raises(ConfigurationError, match="is no table name"):
        warehouse.path(name)
    assert warehouse.path("events_orders") == f"{tmp_path}/events_orders"
