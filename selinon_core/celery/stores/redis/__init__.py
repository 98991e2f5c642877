"""The state store on Redis: each step is one Lua script."""
