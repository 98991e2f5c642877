"""Pages in a browser: the style sheets and scripts that they share."""
