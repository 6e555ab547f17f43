"""Output of an import: report, reject file, progress bars and help."""
