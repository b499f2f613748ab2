"""Checking documents and the data of calls. libxml2 decides; `xmlschema` explains a failure."""
