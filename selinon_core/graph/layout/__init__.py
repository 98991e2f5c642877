"""Where the parts of a drawing go: engines, their limits, and the layout for terminals."""
