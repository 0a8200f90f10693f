"""Makes the documentation.

Pages written from the code, pages outside `docs/`, and the picture of a run's page.
"""
