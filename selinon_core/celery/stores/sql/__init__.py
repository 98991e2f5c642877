"""The state store on SQL databases: each step is one transaction."""
