"""Where a limit cuts a ranking: held to plain sorting, for any weights, ties, widths of bins and limits."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from models.actions import cuts
from models.actions.cuts import BINS, Search, settled

PLACES = st.one_of(st.integers(1, 40), st.integers(1, 2**120))
ROWS = st.lists(st.tuples(PLACES, st.integers(0, 9)), min_size=1, max_size=60)


def search_of(rows: list[tuple[int, int]], limit: int) -> Search:
    places = [place for place, _ in rows]
    return Search(limit, min(places), max(places) + 1, len(rows))


class Rounds:
    """Counts bins as the aggregation does, from rows in memory."""

    def __init__(self, rows: dict[str, list[tuple[int, int]]]) -> None:
        self.rows, self.counted_rounds = rows, 0

    def _between(self, name: str, one: Search) -> list[tuple[int, int]]:
        return [(place, weight) for place, weight in self.rows[name] if one.low <= place < one.high]

    def counted(self, searches):
        self.counted_rounds += 1
        found = defaultdict(dict)
        for name, one in searches.items():
            for place, weight in self._between(name, one):
                number = (place - one.low) // one.width
                assert 0 <= number < BINS
                rows, before = found[name].get(number, (0, 0))
                found[name][number] = (rows + 1, before + weight)
        return found

    def seen(self, searches):
        assert all(len(self._between(name, one)) == one.rows for name, one in searches.items())
        return {name: self._between(name, one) for name, one in searches.items()}


def by_sorting(rows: list[tuple[int, int]], limit: int) -> set[int]:
    """The places of the longest top that weighs at most `limit`; rows of one place go together."""
    taken, inside = 0, set()
    for place in sorted({place for place, _ in rows}, reverse=True):
        taken += sum(weight for at, weight in rows if at == place)
        if taken > limit:
            break
        inside.add(place)
    return inside


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(ROWS, st.integers(0, 120)), min_size=1), st.integers(0, 20))
def test_the_cut_is_that_of_plain_sorting(groups, last):
    rounds = Rounds({name: rows for name, (rows, _) in groups.items()})
    searches = {name: search_of(rows, limit) for name, (rows, limit) in groups.items()}
    found = settled(searches, counted=rounds.counted, seen=rounds.seen, last=last)
    for name, (rows, limit) in groups.items():
        inside = {place for place, _ in rows if place >= found[name].high}
        assert inside == by_sorting(rows, limit)
        assert found[name].taken == sum(weight for place, weight in rows if place in inside) <= limit


def test_many_equal_values_take_few_rounds_and_places_of_124_bits_at_most_eleven():
    rows = [(2**123 + at, 1) for at in range(50)] + [(1, 1)]
    rounds = Rounds({"a": rows})
    found = settled({"a": search_of(rows, 20)}, counted=rounds.counted, seen=rounds.seen, last=5)
    assert found["a"].taken == 20 and found["a"].high == 2**123 + 30
    assert rounds.counted_rounds <= 11


def test_what_is_looked_at_one_by_one_is_bounded():
    assert cuts.LAST <= 10_000 and cuts.BINS <= 4_096
