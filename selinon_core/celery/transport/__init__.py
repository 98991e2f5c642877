"""Messages and the broker: their fields, how they are built, batched, published and sent again."""
