"""Ruby: gems are indexed from their source, applications are read by tree-sitter and a light flow of types."""
