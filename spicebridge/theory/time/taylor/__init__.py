"""Taylor integration of networks whose resistances are affine in the states and whose rates are linear."""
