"""What Spark forks its Python workers from: all that a page needs is loaded once a machine, not once a worker.

Tables of characters, lexicons and models take a worker about as long as some hundred pages do; forked, they are there and
their memory is shared. Standard output belongs to Spark, which reads the daemon's port from it.
"""

from __future__ import annotations

import gc

from pyspark.daemon import manager

from corpus.derivation import spare_memory

if __name__ == "__main__":
    spare_memory()
    from corpus.spark.golden import golden_digest

    golden_digest()
    # What is there now stays: collections in the workers pass it over, and its pages stay shared between them.
    gc.collect()
    gc.freeze()
    manager()
