"""The style of responses: features, tests of differences, distinctive words, likeness. For English texts."""
