"""What does a routed request cost, against the least it could cost and against the peers?"""
