-- Keys and the indexes that the known questions of TPC-H need.
SET LOCAL ROLE wh_owner;
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '256MB';

ALTER TABLE tpch.region ADD PRIMARY KEY (r_regionkey);
ALTER TABLE tpch.nation ADD PRIMARY KEY (n_nationkey);
ALTER TABLE tpch.supplier ADD PRIMARY KEY (s_suppkey);
ALTER TABLE tpch.customer ADD PRIMARY KEY (c_custkey);
ALTER TABLE tpch.part ADD PRIMARY KEY (p_partkey);
ALTER TABLE tpch.partsupp ADD PRIMARY KEY (ps_partkey, ps_suppkey);
ALTER TABLE tpch.orders ADD PRIMARY KEY (o_orderkey);
ALTER TABLE tpch.lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber);

CREATE INDEX ON tpch.orders (o_custkey);
CREATE INDEX ON tpch.orders (o_orderdate);
-- without this one, two of the 22 TPC-H questions take minutes instead of a fifth of a second
CREATE INDEX ON tpch.lineitem (l_partkey, l_suppkey);
CREATE INDEX ON tpch.partsupp (ps_suppkey);
ANALYZE tpch.region, tpch.nation, tpch.supplier, tpch.customer, tpch.part, tpch.partsupp,
    tpch.orders, tpch.lineitem;

INSERT INTO tpch.load (scale, as_of, shift_days)
SELECT 0, current_date, current_date - max(o_orderdate) FROM tpch.orders;
