"""The report of a study: words, charts and one page of HTML."""
