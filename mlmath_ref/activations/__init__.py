"""Activations: what makes a stack of linear maps more than one linear map?"""
