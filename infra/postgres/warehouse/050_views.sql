-- Ready-made sums. `security_invoker`: a view shows what its reader may see, not what its owner may.
SET LOCAL ROLE wh_owner;

CREATE VIEW sales.revenue_by_month WITH (security_invoker = true) AS
SELECT date_trunc('month', order_date)::date AS month, sum(revenue) AS revenue, count(*) AS orders
FROM sales.orders GROUP BY 1;

CREATE VIEW sales.revenue_by_nation WITH (security_invoker = true) AS
SELECT
    region, nation, date_trunc('month', order_date)::date AS month,
    sum(revenue) AS revenue, count(*) AS orders
FROM sales.orders GROUP BY 1, 2, 3;

CREATE VIEW sales.revenue_by_segment WITH (security_invoker = true) AS
SELECT
    segment, date_trunc('month', order_date)::date AS month,
    sum(revenue) AS revenue, count(*) AS orders
FROM sales.orders GROUP BY 1, 2;

CREATE VIEW sales.order_status_by_nation WITH (security_invoker = true) AS
SELECT region, nation, order_status, count(*) AS orders, sum(revenue) AS revenue
FROM sales.orders GROUP BY 1, 2, 3;

CREATE VIEW sales.supplier_performance WITH (security_invoker = true) AS
SELECT
    supplier_id, supplier_name, suppliers.nation AS supplier_nation,
    date_trunc('month', receipt_date)::date AS month,
    count(*) AS lines_received,
    count(*) FILTER (WHERE late) AS lines_late,
    sum(revenue) AS revenue
FROM sales.order_lines JOIN sales.suppliers USING (supplier_id)
WHERE line_status = 'received'
GROUP BY 1, 2, 3, 4;

-- With its owner's rights, unlike the others: wh_ro has none on tpch.
CREATE VIEW sales.as_of AS SELECT as_of, shift_days FROM tpch.load;
