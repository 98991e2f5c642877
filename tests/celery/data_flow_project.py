"""The project of the data flow tests: an order that is loaded, reserved line by line, charged and shipped."""

from __future__ import annotations

YAML = """
tasks:
  - {name: LoadOrder, import: TASKS, storage: Results, output_schema: order.json}
  - {name: ReserveItem, import: TASKS, storage: Results}
  - {name: Charge, import: TASKS, storage: Results, max_retry: 2, retry_countdown: 0}
  - {name: Ship, import: TASKS, storage: Results}
  - {name: ReleaseItems, import: TASKS, storage: Results}
storages:
  - {name: Results, STORAGE}
global:
  vars: {currency: EUR, free_below: 0.5}
  env: {SELINON_TEST_REGION: {default: eu}}
flow-definitions:
  - name: order
    input_schema:
      type: object
      required: [number]
      properties: {number: {type: integer, default: 7}, padding: {type: integer, default: 0}}
    edges:
      - {from: , to: LoadOrder, args: {number: "${args.number}", padding: "${args.padding}"}}
      - from: LoadOrder
        to: reserve
        args:
          lines: ${LoadOrder.lines}
      - from: [LoadOrder, reserve]
        to: Charge
        condition: LoadOrder.total > vars.free_below
        args:
          number: ${LoadOrder.number}
          amount: ${LoadOrder.total}
          text: order ${LoadOrder.number} (${env.SELINON_TEST_REGION})
          currency: ${vars.currency}
      - from: Charge
        to: Ship
        args: &ship
          number: ${LoadOrder.number}
          shelves: ${reserve.shelves}
      - from: reserve
        to: Ship
        condition: LoadOrder.total <= vars.free_below
        args: *ship
    failures:
      - nodes: Charge
        fallback: ReleaseItems
        propagate_failure: true
        args: {lines: "${LoadOrder.lines}", because: "${failed.Charge.message}"}
    output:
      parcel: ${Ship.parcel}
  - name: reserve
    input_schema: {type: object, required: [lines], properties: {lines: {$ref: "order.json#/properties/lines"}}}
    edges:
      - from:
        to: ReserveItem
        foreach: args.lines
    output:
      shelves: ${[one.shelf for one in all.ReserveItem]}
"""

SCHEMA = """
{"type": "object", "required": ["number", "total", "lines"],
 "properties": {"number": {"type": "integer"}, "total": {"type": "number"},
                "lines": {"type": "array", "items": {"type": "object", "required": ["item"]}}}}
"""

TASKS = """
import json
from pathlib import Path
from selinon_core import SelinonTask

RAN = Path(__file__).parent / "ran.txt"

class Tell(SelinonTask):
    def run(self, args):
        with RAN.open("a") as out:
            out.write(json.dumps([self.task_name, self.attempt, args]) + "\\n")
        return self.act(args)

class LoadOrder(Tell):
    def act(self, args):
        lines = [{"item": name, "padding": "x" * args["padding"]} for name in ("lamp", "rug", "vase")]
        return {"number": args["number"], "total": 0 if args["number"] == 1 else 12.5, "lines": lines}

class ReserveItem(Tell):
    def act(self, args):
        return {"shelf": "shelf of the " + args["item"]}

class Charge(Tell):
    def act(self, args):
        if args["number"] == 13 or (args["number"] == 2 and self.attempt < 3):
            raise ValueError("the card is refused")

class Ship(Tell):
    def act(self, args):
        return {"parcel": "%d with %s" % (args["number"], ", ".join(args["shelves"]))}

class ReleaseItems(Tell):
    def act(self, args):
        return len(args["lines"])
"""


MEMORY = "import: selinon_core.storages.memory, classname: InMemoryStorage"


def project(tasks: str, storage: str = MEMORY) -> str:
    """The YAML of the project; ``tasks`` is the name of the module with ``TASKS``."""
    return YAML.replace("TASKS", tasks).replace("STORAGE", storage)
