"""How the kinds of trees are bound: each module turns some of them into functions that give their values."""
