"""What is written from the declarations of ODAP/1, so that text and code cannot drift apart."""
