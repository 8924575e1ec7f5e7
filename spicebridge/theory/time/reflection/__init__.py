"""Steps through a wall without a restart: the state is continued beyond it and reflected."""
