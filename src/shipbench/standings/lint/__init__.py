"""Published sentences against published numbers: what does not follow is a contradiction."""
