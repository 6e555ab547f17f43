"""Files of rows as records: CSV or one sheet of XLSX."""
