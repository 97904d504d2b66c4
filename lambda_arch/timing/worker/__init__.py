"""What runs in a worker process: it loads networks, samples their latency and looks at the device. Imports torch."""
