"""A hosting panel with two pages, which provisions SIP users through an engine that it embeds."""
