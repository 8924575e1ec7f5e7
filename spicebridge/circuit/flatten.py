def constant(*a): raise NotImplementedError
