"""How texts are read: tokens, where the parser is in them, and what reads the parts of the grammar."""
