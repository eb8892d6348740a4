"""What a TypeScript package declares, and what an application calls of it, without Node."""
