"""How scripts are sent, how each of them ended, and what happens then."""
