"""Small mistakes put into flows, to see whether the tests of the flows notice them."""
