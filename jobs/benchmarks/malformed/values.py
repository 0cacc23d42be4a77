"""Fields that are not what their column is: numbers, texts and times that nobody expects."""

from __future__ import annotations

from jobs.benchmarks.malformed.trial import DATA, DONE, Drawing, Trial, csv_rows, csv_text, ingesting

CUSTOMER, ORDER, LINE, SKU, PIECES, PRICE, AT = range(7)
NUMBERS = (
    "two", "1,5", "1.7", "1e3", "1e400", "-1e400", "NaN", "nan", "inf", "-Infinity", "0x1F", "1_000", "１２", "٣", "−5",
    "+-1", "--1", "1.", ".5", "", " ", "null", "NULL", "true", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "99999999999999999999999999", "10000000000001", "10000000000000", "-10000000000001",
    "0.00005", "1" * 60, "0." + "3" * 60, "1e-400", "1d", "1L", "$5", "5 %", "=1+1", "'; drop table events_orders; --",
)  # fmt: skip
TEXTS = (
    "", " ", "\u00a0", "\u200b", "null", "O'Brien; --", "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
    "${env:HOME}", "{{7*7}}", "../../etc/passwd", "%s%n", "\\N", "\\", "ü🛒", "\u202etxt", "a\tb", "\x01\x02\x1b[31m",
    "x" * 100_000, "-", "NaN", "13085.0", "`", "ﷺ" * 50, "A\u0308\u0323", "\ufeffx", "\ufffd", "\ud800",
)  # fmt: skip
TIMES = (
    "yesterday", "", " ", "2024-02-30 10:00:00", "2023-02-29 10:00:00", "2024-13-01 10:00:00", "2024-00-10 10:00:00",
    "2024-01-01 24:00:00", "2024-01-01 23:59:60", "2024-01-01 25:61:00", "0000-01-01 00:00:00", "0001-01-01 00:00:00",
    "-0001-01-01 00:00:00", "9999-12-31 23:59:59", "10000-01-01 00:00:00", "+292278994-08-17 07:12:55",
    "1582-10-10 12:00:00", "1883-11-18 12:03:57", "1900-01-01 00:00:00", "1970-01-01 00:00:00", "2024-03-31 01:30:00",
    "2024-10-27 01:30:00", "2024-03-10 02:30:00", "2024-1-2 3:4:5", "02/01/2024 10:00", "2024-01-02T10:00:00Z",
    "2024-01-02 10:00:00+02:00", "2024-01-02 10:00:00 Europe/Paris", "20240102100000", "1704189600", "1e9",
    "2024-01-02", "2024-01-02 10:00", "２０２４-01-02 10:00:00", "2024-01-02 10:00:00.123456789", "now",
    "2024-01-02 10:00:00 BC",
)  # fmt: skip
OFFSETS = ("Z", "+00:00", "+18:00", "-18:00", "+19:00", "+02", "+0200", "+02:00:01", "+99:99", "", " Europe/Paris")
ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Tokyo",
         "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia", "Etc/GMT+12",
         "Europe/Dublin")  # fmt: skip


def of_types(draw: Drawing) -> Trial:
    """Numbers and texts that are out of range, of another script, or something else altogether."""
    records = draw.records()
    for fields in draw.chance.sample(records, draw.chance.randint(1, len(records))):
        for at, options in ((PIECES, NUMBERS), (PRICE, NUMBERS), (CUSTOMER, TEXTS), (ORDER, TEXTS), (SKU, TEXTS)):
            if draw.chance.random() < 0.4:
                fields[at] = _quoted(draw.one_of(options))
    text = csv_text(records)
    return ingesting(draw, "types", "values", draw.write("orders.csv", text), {DONE}, rows=csv_rows(text))


def of_times(draw: Drawing) -> Trial:
    """Times that do not exist, exist twice, lie at the ends of the calendar, or are written otherwise."""
    with_offset = draw.chance.random() < 0.3
    records = draw.records()
    for fields in draw.chance.sample(records, draw.chance.randint(1, len(records))):
        fields[AT] = fields[AT] + draw.one_of(OFFSETS) if with_offset else draw.one_of(TIMES)
    zone = draw.one_of(ZONES)
    shape = draw.one_of(["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss[.SSSSSS]", "y-M-d H:m:s"])
    changes = {"time_zone": zone, "time_format": f"{shape}XXX" if with_offset else shape}
    if draw.chance.random() < 0.3:
        changes |= {"known_at": "at"}
    text = csv_text(records)
    path = draw.write("orders.csv", text)
    return ingesting(draw, "times", zone, path, {DONE}, rows=csv_rows(text), **changes)


def of_aliases(draw: Drawing) -> Trial:
    """Files of aliases with odd ids, rings, ids of several people, and times as above."""
    names = [f"c{number}" for number in range(1, 9)]
    rows = [[draw.one_of(names), draw.one_of(names), "2024-01-01"] for _ in range(draw.chance.randint(2, 8))]
    for fields in draw.chance.sample(rows, draw.chance.randint(1, len(rows))):
        fields[draw.chance.randrange(2)] = _quoted(draw.one_of(TEXTS))
        fields[2] = draw.one_of(TIMES)
    text = csv_text(rows, header=draw.one_of(["alias_id,customer_id,known_at", "alias_id,customer_id,more"]))
    words = ("ingest", "--aliases", draw.write("aliases.csv", text), "--set", "aliases.quarantined_share_limit=1")
    # The first file of aliases that has none to accept is refused.
    return Trial("aliases", "values", words, frozenset({DONE, DATA}), csv_rows(text))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if {",", '"'} & set(text) else text
