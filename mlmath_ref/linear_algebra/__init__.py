"""Linear algebra: how are vectors compared, how do linear maps compose, and how large are they?"""
