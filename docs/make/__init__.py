"""How the documentation is made: pages written from the code, pages that lie outside `docs/`, and the picture of a run's page."""
