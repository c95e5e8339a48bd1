"""Suites that every implementation of an interface inherits, here and in other packages.

A suite is a class of tests. Inherit it in a test module, under a name that begins with ``Test``,
and give what it asks for in its docstring; pytest does the rest. Another package puts the folder
``tests`` of this one on its path (``pythonpath`` in the settings of pytest) and imports the same.
"""
