"""JSON Schemas of results: checking values, and building values that fit."""
