"""From YAML text to a typed model of the project with places, and every mistake found on the way."""
