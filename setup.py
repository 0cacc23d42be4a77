"""What Tessera is made of and needs; the exact versions of a working set-up are in `requirements.lock`."""

from __future__ import annotations

from setuptools import find_packages, setup

NEEDED = [
    "pyspark>=4.1.3,<4.2",  # 4.2.0 hangs on a plain @udf over Parquet or a cached frame
    "delta-spark==4.4.0",  # the tables; the JARs of 4.4.1 are not published
    "deltalake>=1.6,<2",  # reads logs, and writes records of runs, without a Spark job
    "numpy>=2,<3",  # the sweep's arithmetic over sorted arrays
    "scipy>=1.14,<2",  # the special functions of the simulated truth
    "pandas>=2.2,<3",  # what PySpark 4.1 supports for Arrow UDFs and small results
    "pyarrow>=18,<26",  # batches between Spark and NumPy; the upper bound is MLflow's
    "mlflow>=3.17,<3.18",  # runs and the registry: aliases, `name=`, an SQLite store
    "xgboost-cpu>=3.2,<3.3",  # the module `xgboost` without 300 MB of GPU libraries
    "scikit-learn>=1.9,<2",  # algorithms on one machine, clustering, metrics
    "skops>=0.16,<1",  # scikit-learn models as files that hold no code
    "optuna>=4.4,<5",  # searches parameters: trials that are pruned, kept in a store and taken up again
    "Jinja2>=3.1,<4",  # the page of a report, escaped by default
    "pydantic>=2.7,<3",  # settings that are checked once, with the names of what is wrong
    "PyYAML>=6,<7",  # the files in conf/
    "sqlglot>=30,<31",  # parses the SQL expressions of a configuration before Spark sees them
    "rich>=13.9,<16",  # progress on a terminal and the tables a person reads
    "matplotlib>=3.9,<4",  # the plots of reports and notebooks
]

EXTRAS = {
    "connect": [
        "pyspark[connect]>=4.1.3,<4.2",  # the client of a Spark Connect server
    ],
    "test": [
        "pytest>=9,<10",  # the runner
        "pytest-xdist>=3.6,<4",  # tests in two processes: most of a small Spark job is one thread that plans
        "pytest-timeout>=2.3,<3",  # a hanging JVM must fail a test, not the whole run
        "hypothesis>=6.130,<7",  # the laws, as properties
        "chispa>=0.12,<0.13",  # compares frames with the difference side by side
        "duckdb>=1.4,<3",  # proves the same, and answers independent SQL
    ],
    "dev": [
        "ruff>=0.14",  # format and lint
        "mypy>=1.18,<3",  # types; strict on the pure rings
        "import-linter>=2.5,<3",  # the direction of imports is a contract
        "pre-commit>=4,<5",  # the same checks before a commit
        "pip-tools>=7.5,<8",  # writes requirements.lock
        "pandas-stubs>=2.2",  # types of pandas
        "types-PyYAML>=6",  # types of PyYAML
        "setuptools>=77,<81",  # builds the wheel that spark-submit ships to executors, without the network
    ],
}
EXTRAS["all"] = [requirement for extra in list(EXTRAS) for requirement in EXTRAS[extra]]

setup(
    name="tessera",
    version="0.1.0",
    description="Features as folds over events, and customer models, on Spark and Delta Lake.",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["featurestore*", "models*", "jobs*", "conf*"]),
    package_data={"conf": ["**/*.yml", "**/*.yaml", "*.properties"], "models.report": ["*.j2"]},
    install_requires=NEEDED,
    # Where spark-submit.sh is not what starts a job: a task of a platform that has installed the wheel.
    entry_points={"console_scripts": ["tessera=jobs.main:as_installed"]},
    extras_require=EXTRAS,
)
