"""For plain `spark-submit`: `spark-submit corpus/spark/submit.py build IN... OUT`, as `yuqi spark build` takes it."""

from __future__ import annotations

from corpus.cli_spark import spark

if __name__ == "__main__":
    spark()
