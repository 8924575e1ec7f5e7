"""The claims, one module a family; a family is imported when one of its claims is first asked for."""
