"""The static site: standings and bundles as pages that work from file://."""
