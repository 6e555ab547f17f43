"""Reading of files: the header and records of CSV or of one sheet of XLSX."""
