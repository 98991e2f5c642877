"""Values that fit a JSON Schema, for mocked tasks; ``schema_check`` is the way in."""
