"""A shop with one flow, and cases that look at every branch of it."""

from __future__ import annotations

SHOP = """
tasks:
  - {name: Load, import: shop, storage: S, output_schema: load.json}
  - {name: Pay, import: shop}
  - {name: Gift, import: shop}
  - {name: Pack, import: shop}
  - {name: Undo, import: shop}
storages:
  - {name: S, import: shop}
flows: [shop]
flow-definitions:
  - name: shop
    edges:
      - {from: null, to: Load}
      - {from: Load, to: Pay, condition: {name: fieldGreater, args: {key: total, value: 10}}}
      - {from: Load, to: Gift, condition: {name: fieldLessEqual, args: {key: total, value: 10}}}
      - {from: [Load, Pay], to: Pack}
    failures:
      - {nodes: Pay, fallback: Undo}
"""
SCHEMA = '{"type": "object", "required": ["total"], "properties": {"total": {"type": "integer", "minimum": 0}}}'
CASES = """
flow: shop
tests:
  - name: paid and packed
    mocks: {Load: {result: {total: 11}}}
    expect: {runs: {Load: 1, Pay: 1, Pack: 1}}
  - name: a gift
    mocks: {Load: {result: {total: 10}}}
    expect: {runs: {Load: 1, Gift: 1}}
  - name: paying fails
    mocks: {Load: {result: {total: 12}}, Pay: {fatal: "no"}}
    expect: {runs: {Load: 1, Pay: 1, Undo: 1}}
"""
