"""A drawing as text: DOT, SVG, Mermaid, ASCII, JSON."""
