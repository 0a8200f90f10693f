"""The ground floor: errors, console output, signals and names, which know nothing of pieces or files.

Every other module may use it. It imports nothing of ours but itself.
"""

__all__ = ["console", "cores", "csv_cells", "early", "errors", "names", "output", "public_names", "shield"]
