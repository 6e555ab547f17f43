"""Import of CSV and XLSX files by set-based merges.

The path of a file: `reading` yields records, `columns` assigns cells to fields, `cells` parses them,
`staging` copies the rows into a temporary table, `merging` writes them, `report` says what happened.
`importers` declares what each kind of file contains.
"""
