"""The rules of dispatch, one group a module. They change the state of a flow run and return effects."""
