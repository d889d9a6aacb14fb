"""One module for each kind of file: bytes come in, a `Grid` of text goes out.

A reader says what the cells show and where they stand, never what a header means. It touches nothing: no file is opened here. Whatever
is wrong with the bytes ends in `Stop` with one sentence.
"""
