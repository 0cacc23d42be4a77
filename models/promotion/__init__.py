"""Who is champion: a challenger judged against the champion, a first model against simple rivals."""
