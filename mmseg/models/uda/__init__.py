"""Unsupervised domain adaptation by self-training."""
