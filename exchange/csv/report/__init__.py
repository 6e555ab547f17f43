"""What an import reports: its report, its reject file, its progress, its help."""
