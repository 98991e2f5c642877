"""The expression language of conditions, ``foreach``, ``args`` and ``output``: a subset of Python's grammar.

Expressions are data: nothing here is given to Python to evaluate. The language knows no project and no plan.
"""
