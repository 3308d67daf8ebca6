"""What the tests of the built files need: the files."""

from built import site as site
