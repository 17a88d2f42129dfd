"""From a question in the rows to an answer on the wire: prompt, queue, run, followers, recovery. No pages here."""
