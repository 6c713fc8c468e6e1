"""What tests of an application, an engine or a framework import. Floor 10, shipped."""
