"""Alignment: how is a model moved toward what people prefer without losing what it knows?"""
