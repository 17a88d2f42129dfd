"""The Labo: which model is best on this server, by figures that are measured, graded and voted here."""
