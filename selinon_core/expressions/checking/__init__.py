"""The parts of ``check``: what is known of names, narrowing, and the types of each kind of tree."""
