"""What has changed in the columns of an input since it was last taken in, and what must stop for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from featurestore.errors import DataContractError


def drift(
    before: Mapping[str, str], now: Mapping[str, str], *, read: Collection[str], stop_at_new: bool, where: str
) -> list[str]:
    """Sentences on what has changed and does no harm; `before` is empty for an input that is seen first.

    Raises DataContractError where a column of those that the mapping reads has another type, and, with `stop_at_new`,
    where there is a new one. (That a column which is read is missing is seen when the input is opened.)

    >>> drift({"a": "int", "b": "int"}, {"a": "int", "c": "int"}, read={"a"}, stop_at_new=False, where="x.csv")
    ["x.csv: column 'c' (int) is new; it is not mapped, so it is ignored",
     "x.csv: column 'b' is gone; nothing reads it"]
    """
    if not before:
        return []
    added = [name for name in now if name not in before]
    gone = [name for name in before if name not in now and name not in read]
    retyped = {name: (before[name], kind) for name, kind in now.items() if is_retyped(before.get(name), kind)}
    faults = [f"column '{name}' was {old} and is {new} now" for name, (old, new) in retyped.items() if name in read]
    if stop_at_new:
        faults += [f"column '{name}' ({now[name]}) is new, and new_columns says stop" for name in added]
    if faults:
        raise DataContractError(
            f"{where} has changed since it was last taken in:\n  " + ";\n  ".join(faults) + ".\n"
            "  Nothing was written. Mend the input or its mapping (a changed mapping takes the columns as they are "
            "now), or say that they are right as they are: --accept-columns."
        )
    return [
        *[f"{where}: column '{name}' ({now[name]}) is new; {_use(name, read)}" for name in added],
        *[f"{where}: column '{name}' is gone; nothing reads it" for name in gone],
        *[f"{where}: column '{name}' was {old} and is {new} now; nothing reads it"
          for name, (old, new) in retyped.items() if name not in read],
    ]  # fmt: skip


def is_retyped(before: str | None, now: str) -> bool:
    """Whether values are of another type, or (of JSON) of kinds that there were none of before.

    >>> is_retyped("number or string", "number"), is_retyped("number", "string"), is_retyped("int", "bigint")
    (False, True, True)
    """
    if not before or not now:
        return False
    return not set(now.split(" or ")) <= set(before.split(" or "))


def remembered(before: Mapping[str, str], now: Mapping[str, str], *, may_be_left_out: bool) -> dict[str, str]:
    """The columns to compare the next input with: those of now, and, where a row may leave some out, those of before.

    >>> remembered({"a": "number", "b": "string"}, {"a": "string"}, may_be_left_out=True)
    {'a': 'number or string', 'b': 'string'}
    """
    if not may_be_left_out:
        return dict(now)
    kinds = {
        name: {*before.get(name, "").split(" or "), *now.get(name, "").split(" or ")} for name in {**before, **now}
    }
    return {name: " or ".join(sorted(found - {""})) for name, found in kinds.items()}


def _use(name: str, read: Collection[str]) -> str:
    return "the mapping reads it" if name in read else "it is not mapped, so it is ignored"
