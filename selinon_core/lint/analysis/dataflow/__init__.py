"""What expressions read and give: types of nodes, which nodes have run before, and what is wrong with each
text."""
