"""Reading of files: the header and the records of a CSV file or of one sheet of an XLSX file."""
