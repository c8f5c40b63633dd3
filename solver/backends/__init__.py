"""One solver library a file; arrays in, arrays out."""
