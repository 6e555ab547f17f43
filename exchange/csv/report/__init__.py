"""What an import tells its caller: the report, the reject file, progress bars, and help."""
