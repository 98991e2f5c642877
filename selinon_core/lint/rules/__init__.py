"""The rules: one a file, in folders by the range of their codes.

=========== =============== ==========================================================================
folder      codes           about
=========== =============== ==========================================================================
yaml        SEL0xx, SEL1xx  the text of a file, and the shape of what it holds
names       SEL2xx          names, and the arguments of what they name
graph       SEL3xx          edges, their conditions, and what they start
results     SEL400 to 409   conditions on results, schemas of results
flows       SEL410 to 429   what goes into sub-flows; selective, nowait and eager nodes
expressions SEL430 to 459   the expressions in conditions, foreach, arguments and outputs
fallbacks   SEL5xx          fallbacks of failed nodes
code        SEL6xx          the Python code that a project names
migration   SEL7xx          changes while flows run
cases       SEL800 to 819   flow test cases
operating   SEL820 to 839   what is about operating flow runs
style       SEL9xx          what has no effect, is probably not meant, or differs from Selinon 1.x
=========== =============== ==========================================================================
"""
