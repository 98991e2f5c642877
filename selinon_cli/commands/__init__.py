"""One command a file: a plain function returning an exit code, and its definition as ``COMMAND``."""
