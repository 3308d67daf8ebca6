"""Language modeling: how does text become tokens, and how do probabilities become text again?"""
