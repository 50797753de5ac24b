"""Does the router choose well? Seeded fleets and real outcomes, against simpler ways to choose."""
