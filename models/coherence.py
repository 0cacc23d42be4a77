"""What calibrated probabilities of one customer must not say together, and how they are brought into agreement."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from models.heads import ACTIVE, CHURN, DECLINE, PURCHASE, Head

VIOLATIONS = "coherence_violations"


@dataclass(frozen=True)
class Rule:
    """`corrected` gives way to 1 - P(`other`): it is at most that (`is_upper`), or at least. NULL breaks nothing."""

    corrected: Head
    other: Head
    is_upper: bool

    @property
    def counted_as(self) -> str:
        """What the number of corrected customers is called."""
        return f"{self.corrected.name}_{'lowered' if self.is_upper else 'raised'}"

    @property
    def is_broken(self) -> Column:
        """True where it is, NULL where a probability is."""
        own = F.col(self.corrected.output)
        return own > self._bound() if self.is_upper else own < self._bound()

    def _bound(self) -> Column:
        return 1.0 - F.col(self.other.output)

    def value(self) -> Column:
        """The probability in agreement with the other."""
        return F.when(self.is_broken, self._bound()).otherwise(F.col(self.corrected.output))


RULES = (Rule(PURCHASE, CHURN, is_upper=True), Rule(DECLINE, ACTIVE, is_upper=False))
"""An order in 30 days is one in 60; who orders nothing in 90 days spends less than half of what was above nothing."""


def coherent(output: str) -> Column:
    """The column of scores called `output`, brought into agreement with the others where a rule asks for that."""
    return {rule.corrected.output: rule.value() for rule in RULES}.get(output, F.col(output))


def counts() -> list[Column]:
    """Corrected customers by rule, and `coherence_violations` of all rules."""
    by_rule = [F.count_if(rule.is_broken).alias(rule.counted_as) for rule in RULES]
    return [*by_rule, sum((F.count_if(rule.is_broken) for rule in RULES), F.lit(0)).alias(VIOLATIONS)]
