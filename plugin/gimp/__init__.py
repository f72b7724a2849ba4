"""GIMP's side: what is copied into its plug-ins folder lies in semantic_style/."""
