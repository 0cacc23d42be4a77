"""What to do about each customer: rules, what an action is worth, whom limits leave out, who is held out."""
