"""Every face that a person sees."""
