# Those that pyarrow wrote.
cp "$SRC"/t/golden/parquet/*.parquet .
