"""What a kit consists of: netlist, schematic, generator files, protocol."""
