"""Derived functions as Arrow UDFs on frames and as SQL functions: the cases of the arrays, each in one query."""

from __future__ import annotations

import math

from pyspark.sql import functions as F

from featurestore.frames import arrow_function, register_functions
from featurestore.sql_functions import SQL_FUNCTIONS
from tests.derived_cases import CASES

ALL = [(f"{name}_{n}", name, types, arguments, expected)
       for name, (types, cases) in CASES.items() for n, (arguments, expected) in enumerate(cases)]  # fmt: skip


def assert_expected(row):
    for column, _, _, _, expected in ALL:
        found = row[column]
        is_close = isinstance(expected, float) and found is not None and math.isclose(found, expected, abs_tol=1e-15)
        assert is_close or (found is expected if expected is None else found == expected), column


def test_as_arrow_functions_on_columns(spark):
    functions = {name: arrow_function(*what) for name, what in SQL_FUNCTIONS.items()}
    columns = [
        functions[name](*[F.lit(v).cast(kind) for v, kind in zip(arguments, types, strict=True)]).alias(column)
        for column, name, types, arguments, _ in ALL
    ]
    assert_expected(spark.range(1).select(*columns).first())


def test_from_sql(spark):
    of_spark = {row[0] for row in spark.sql("show system functions").collect()}
    assert set(register_functions(spark)) == set(CASES)
    assert not of_spark & set(CASES), "a function of Spark would be ours in every expression of the session"
    calls = []
    for column, name, types, arguments, _ in ALL:
        literals = [f"cast({'null' if v is None else repr(str(v))} as {kind})"
                    for v, kind in zip(arguments, types, strict=True)]  # fmt: skip
        calls.append(f"{name}({', '.join(literals)}) as {column}")
    assert_expected(spark.sql(f"select {', '.join(calls)}").first())
