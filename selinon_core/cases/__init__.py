"""Flow test cases as values: mocks, expectations, invariants and the matchers they use."""
