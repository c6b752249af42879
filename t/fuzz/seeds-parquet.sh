# Files written by pyarrow.
cp "$SRC"/t/golden/parquet/*.parquet .
