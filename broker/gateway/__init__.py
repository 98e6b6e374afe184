"""HTTP in: publishers hand in, agencies collect and answer, ops look (docs/api-*.md)."""
