"""One module for each kind of file.

In: the bytes of a file, and the name of the worksheet. Out: a `Grid` of text. Touches nothing; reads whole columns with pandas and Arrow. A
reader says what the cells show and where they stand, never what a header means. Whatever is wrong with the bytes ends in `Stop` with one
sentence.
"""
