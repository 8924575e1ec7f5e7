"""What a network is and what it can do: analysed, differentiated, designed."""
