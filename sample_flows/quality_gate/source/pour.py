def pour(pot, cups):
    """Fill the cups."""
    return [pot["leaves"]] * cups


def spill(pot):
    return None
