"""Embeddings: how does a discrete thing, such as a token, become a vector to compute with?"""
