"""Present figures to people: charts with tables, sentences, reports and exported files."""
