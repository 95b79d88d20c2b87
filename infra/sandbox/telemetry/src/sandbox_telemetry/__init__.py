"""A stand-in telemetry backend: takes OTLP, answers like Tempo and Prometheus."""
