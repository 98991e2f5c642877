"""Files and YAML text to nodes with positions."""
