"""What the training of a network with Keras needs: checkpoints, weight averages, and several processes together.

It writes into the folder of a run; the epochs themselves are in the folder of each recipe, as `note_lstm.train`.
"""

__all__ = ["checkpoints", "hosts", "interrupt", "precision", "weight_average"]
