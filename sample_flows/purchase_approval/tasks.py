"""A purchase: what is dear waits until it is approved."""

from __future__ import annotations

from selinon_core import SelinonTask

BUDGET = 100


class CheckBudget(SelinonTask):
    def run(self, *, price: float):
        return {"within": price <= BUDGET}


class PlaceOrder(SelinonTask):
    def run(self, *, item: str):
        return {"ordered": item}


class TellRequester(SelinonTask):
    def run(self, *, why: str):
        return f"We do not buy it: {why}"
