"""Turning corpora into music: events, network, training, evaluation, sampling."""
