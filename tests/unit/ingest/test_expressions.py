from __future__ import annotations

import pytest

from featurestore.errors import ConfigurationError
from featurestore.expressions import check_columns, columns_of


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("quantity", {"quantity"}),
        ("`Customer ID`", {"Customer ID"}),
        ("concat(date, ' 23:59:59')", {"date"}),
        ("round(try_cast(q as bigint) * try_cast(p as decimal(18,4)), 2)", {"q", "p"}),
        ("case when a > 1 and b in ('x', 'select', ';') then -(a) else c end", {"a", "b", "c"}),
        ("quantity between 1 and 2 and not (x is null or y rlike '^a')", {"quantity", "x", "y"}),
        ("true", set()),
        ("'-- no comment'", set()),
    ],
)
def test_an_expression_tells_the_columns_it_reads(text, columns):
    assert columns_of(text, where="test") == columns


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "(select max(secret) from other)",
        "exists(select 1 from t)",
        "a in (select b from c)",
        "a; drop table events_orders",
        "drop table events_orders",
        "a, b",
        "a as b",
        "*",
        "",
        "(",
        "'open",
        "a -- comment",
        "a /* comment */",
        "with x as (select 1) select * from x",
        "java_method('java.lang.Runtime', 'getRuntime')",
        "reflect('java.lang.System', 'exit', '1')",
        "`reflect`('java.lang.System', 'exit', '1')",
        "try_reflect('java.lang.System', 'exit', '1')",
        "rand()",
        "uuid()",
        "now()",
        "current_timestamp()",
        "current_timestamp",
        "current_user",
        "input_file_name()",
        "explode(array(1, 2))",
        "sum(a)",
        "row_number() over (order by a)",
        "transform(a, x -> x + 1)",
        "cast(a as bigint)",
        "a::bigint",
        "other.column",
        ":parameter",
        "'${env:HOME}'",
        pytest.param("(" * 600 + "a" + ")" * 600, id="too deep"),
    ],
)
def test_whatever_is_not_one_plain_scalar_expression_is_refused(text):
    with pytest.raises(ConfigurationError, match="refused"):
        columns_of(text, where="test")


def test_an_unknown_function_is_answered_with_near_ones():
    with pytest.raises(ConfigurationError, match="try_to_timestamp"):
        columns_of("try_to_timestmp(a, 'yyyy')", where="test")


def test_cast_is_answered_with_try_cast():
    with pytest.raises(ConfigurationError, match="try_cast"):
        columns_of("cast(a as bigint)", where="test")


def test_an_unknown_column_is_answered_with_near_ones():
    with pytest.raises(ConfigurationError, match="'quantity'"):
        check_columns("quantty > 0", known=["quantity", "amount"], where="test")
