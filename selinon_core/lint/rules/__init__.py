"""The rules: one file and one code each. ``registry.py`` lists them."""
