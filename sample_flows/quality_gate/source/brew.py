def brew(leaves, minutes):
    """Return a pot of tea."""
    return {"leaves": leaves, "minutes": minutes}
