"""The code of a worker process: it loads networks, samples their latency and describes the device. Imports torch."""
