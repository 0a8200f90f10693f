"""Parts of Keras training loops: checkpoints, weight averages, several processes.

They write to the folder of a run. The epochs themselves are in each recipe's folder, such as `note_lstm.train`.
"""

__all__ = ["checkpoints", "hosts", "interrupt", "precision", "weight_average"]
