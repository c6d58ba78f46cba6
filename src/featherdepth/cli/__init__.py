"""The command line: parse, call one function of `api`, print, exit code.

The only room that prints.
"""
