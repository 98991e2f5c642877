"""A coverage report in the forms that other programs read: JSON, Cobertura, LCOV, and a page for people."""
