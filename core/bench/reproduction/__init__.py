"""docs/reproduction.md: the papers' experiments again, small, through the project's own training
loop and with its shipped weights; our figures beside the papers'."""
