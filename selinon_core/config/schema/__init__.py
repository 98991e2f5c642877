"""The tables of keys: what each section may hold, how it is read, and its JSON Schema."""
