"""Coverage-guided fuzzing of the decoders; the targets are plain functions that tests run, too."""
