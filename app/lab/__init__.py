"""The Labo benchmarks the models on this server: it times them, grades their answers and collects blind votes."""
