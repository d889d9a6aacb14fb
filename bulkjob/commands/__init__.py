"""The table of the commands, the parser that is made of it, and one module a command, imported when it is called and not before.

In: settings, and the arguments that are no settings. Out: what is printed, and an exit code. Touches whatever its command is there for.
"""
