"""Sums up the day's sales of every shop."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

SALES = Path(__file__).with_name("sales")


class Sale(TypedDict):
    item: str
    amount: float


class Sales(TypedDict):
    sales: list[Sale]


class Sum(TypedDict):
    shop: str
    sales: int
    total: float


class FindShops(SelinonTask):
    def run(self, node_args) -> list[str]:
        return sorted(file.stem for file in SALES.glob("*.csv"))


class ReadSales(SelinonTask):
    def run(self, *, shop: str) -> Sales:
        with open(SALES / f"{shop}.csv", newline="", encoding="utf-8") as file:
            return {
                "sales": [{"item": row["item"], "amount": float(row["amount"])} for row in csv.DictReader(file)]
            }


class SumSales(SelinonTask):
    def run(self, *, shop: str, amounts: list[float]) -> Sum:
        return {"shop": shop, "sales": len(amounts), "total": sum(amounts)}


class WriteReport(SelinonTask):
    def run(self, *, sums: list[Sum]) -> str:
        lines = [f"{one['shop']}: {one['total']:.2f} in {one['sales']} sales" for one in sums]
        return "\n".join([*lines, f"all: {sum(one['total'] for one in sums):.2f}"])
