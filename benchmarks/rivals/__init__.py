"""What others would run instead, written fairly, on the same engines with the same samples."""
