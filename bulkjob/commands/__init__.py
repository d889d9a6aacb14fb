"""One module a command of the command line, imported when it is called and not before.

In: settings, and the arguments that are no settings. Out: what is printed, and an exit code. Touches whatever its command is there for.
"""
