"""What theory knows of a network without integrating it: closed forms, conservation laws, stability."""
