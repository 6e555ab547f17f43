"""`make bench`: the project against its peers, on one database, in one interleaved run.

Nothing of the application imports this. No number is printed before every peer has given the
same answers.
"""
