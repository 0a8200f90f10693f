"""Parts of Keras training loops: optimizer, checkpoints, weight averages, several processes.

They write to the folder of a run. The epochs themselves are in each recipe's folder, such as `note_lstm.train`.
"""

__all__ = ["adamw", "checkpoints", "hosts", "interrupt", "muon", "precision", "weight_average"]
