-- What people ask about. Dates are those of TPC-H plus `shift_days`; statuses are what these dates
-- mean on the day of the load. Tables, not views over tpch: each carries the region its rows are
-- guarded by, and indexes on the shifted dates.
SET LOCAL ROLE wh_owner;
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '256MB';

CREATE TABLE sales.regions AS
SELECT r_name AS region FROM tpch.region ORDER BY 1;

CREATE TABLE sales.nations AS
SELECT n_name AS nation, r_name AS region
FROM tpch.nation JOIN tpch.region ON r_regionkey = n_regionkey ORDER BY 1;

CREATE TABLE sales.accounts AS
SELECT
    c_custkey AS account_id,
    c_name AS account_name,
    c_mktsegment AS segment,
    n_name AS nation,
    r_name AS region,
    c_phone AS phone,
    c_acctbal AS balance
FROM tpch.customer
JOIN tpch.nation ON n_nationkey = c_nationkey
JOIN tpch.region ON r_regionkey = n_regionkey
ORDER BY c_custkey;

CREATE TABLE sales.suppliers AS
SELECT s_suppkey AS supplier_id, s_name AS supplier_name, n_name AS nation, r_name AS region
FROM tpch.supplier
JOIN tpch.nation ON n_nationkey = s_nationkey
JOIN tpch.region ON r_regionkey = n_regionkey
ORDER BY s_suppkey;

CREATE TABLE sales.products AS
SELECT
    p_partkey AS product_id,
    p_name AS product_name,
    p_mfgr AS manufacturer,
    p_brand AS brand,
    p_type AS product_type,
    p_retailprice AS list_price
FROM tpch.part
ORDER BY p_partkey;

-- in the order of the order date: a period is then a run of neighbouring pages
CREATE TABLE sales.order_lines AS
SELECT
    l_orderkey AS order_id,
    l_linenumber AS line_number,
    account_id,
    nation,
    region,
    segment,
    o_orderdate + shift_days AS order_date,
    l_suppkey AS supplier_id,
    l_partkey AS product_id,
    l_quantity::integer AS quantity,
    round(l_extendedprice * (1 - l_discount), 2) AS revenue,
    CASE
        WHEN l_receiptdate + shift_days <= as_of THEN 'received'
        WHEN l_shipdate + shift_days <= as_of THEN 'shipped'
        ELSE 'open'
    END AS line_status,
    l_shipdate + shift_days AS ship_date,
    l_commitdate + shift_days AS promised_date,
    l_receiptdate + shift_days AS receipt_date,
    l_receiptdate > l_commitdate AS late,
    l_shipmode AS ship_mode
FROM tpch.lineitem
JOIN tpch.orders ON o_orderkey = l_orderkey
JOIN sales.accounts ON account_id = o_custkey
CROSS JOIN tpch.load
ORDER BY o_orderdate, l_orderkey, l_linenumber;

CREATE TABLE sales.orders AS
SELECT
    o_orderkey AS order_id,
    account_id,
    account_name,
    nation,
    region,
    segment,
    order_date,
    order_status,
    substr(o_orderpriority, 3) AS priority,
    lines,
    revenue
FROM (
    SELECT
        order_id,
        account_id,
        order_date,
        CASE
            WHEN bool_and(line_status = 'open') THEN 'open'
            WHEN bool_or(line_status = 'open') THEN 'partly shipped'
            WHEN bool_and(line_status = 'received') THEN 'received'
            ELSE 'shipped'
        END AS order_status,
        count(*)::integer AS lines,
        sum(revenue) AS revenue
    FROM sales.order_lines
    GROUP BY order_id, account_id, order_date
) AS summed
JOIN sales.accounts USING (account_id)
JOIN tpch.orders ON o_orderkey = order_id
ORDER BY order_date, order_id;

ALTER TABLE sales.regions ADD PRIMARY KEY (region);
ALTER TABLE sales.nations ADD PRIMARY KEY (nation);
ALTER TABLE sales.accounts ADD PRIMARY KEY (account_id);
ALTER TABLE sales.suppliers ADD PRIMARY KEY (supplier_id);
ALTER TABLE sales.products ADD PRIMARY KEY (product_id);
ALTER TABLE sales.orders ADD PRIMARY KEY (order_id);
ALTER TABLE sales.order_lines ADD PRIMARY KEY (order_id, line_number);
CREATE INDEX ON sales.accounts (account_name);
CREATE INDEX ON sales.orders (order_date);
CREATE INDEX ON sales.orders (account_id, order_date);
CREATE INDEX ON sales.order_lines (order_date);
CREATE INDEX ON sales.order_lines (receipt_date);
CREATE INDEX ON sales.order_lines (supplier_id);
ANALYZE sales.regions, sales.nations, sales.accounts, sales.suppliers, sales.products,
    sales.orders, sales.order_lines;
