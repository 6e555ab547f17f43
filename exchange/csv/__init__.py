"""CSV files into the database: kinds of rows, their cells, and set-based merges."""
