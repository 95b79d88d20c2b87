-- What `list_tables` and `describe_table` answer. Keep them true: a model has nothing else.
SET LOCAL ROLE wh_owner;

COMMENT ON TABLE sales.regions IS 'The five sales regions.';
COMMENT ON COLUMN sales.regions.region IS 'Region: AFRICA, AMERICA, ASIA, EUROPE or MIDDLE EAST.';

COMMENT ON TABLE sales.nations IS 'Nations and the region each belongs to.';
COMMENT ON COLUMN sales.nations.nation IS 'Nation in capitals, such as GERMANY.';
COMMENT ON COLUMN sales.nations.region IS 'Region of the nation.';

COMMENT ON TABLE sales.accounts IS 'Customers, one row each; the CRM knows them by the same id and name.';
COMMENT ON COLUMN sales.accounts.account_id IS 'Account id, the same in the CRM.';
COMMENT ON COLUMN sales.accounts.account_name IS 'Account name, such as Customer#000000001.';
COMMENT ON COLUMN sales.accounts.segment IS 'Market segment: AUTOMOBILE, BUILDING, FURNITURE, HOUSEHOLD or MACHINERY.';
COMMENT ON COLUMN sales.accounts.nation IS 'Nation of the account.';
COMMENT ON COLUMN sales.accounts.region IS 'Region of the account.';
COMMENT ON COLUMN sales.accounts.phone IS 'Telephone number.';
COMMENT ON COLUMN sales.accounts.balance IS 'Account balance; negative when the account owes us.';

COMMENT ON TABLE sales.suppliers IS 'Suppliers, one row each.';
COMMENT ON COLUMN sales.suppliers.supplier_id IS 'Supplier id.';
COMMENT ON COLUMN sales.suppliers.supplier_name IS 'Supplier name, such as Supplier#000000001.';
COMMENT ON COLUMN sales.suppliers.nation IS 'Nation of the supplier, not of the buyer.';
COMMENT ON COLUMN sales.suppliers.region IS 'Region of the supplier, not of the buyer.';

COMMENT ON TABLE sales.products IS 'Parts on offer, one row each.';
COMMENT ON COLUMN sales.products.product_id IS 'Product id.';
COMMENT ON COLUMN sales.products.product_name IS 'Product name.';
COMMENT ON COLUMN sales.products.manufacturer IS 'Manufacturer of the part.';
COMMENT ON COLUMN sales.products.brand IS 'Brand of the part.';
COMMENT ON COLUMN sales.products.product_type IS 'Kind of part, such as PROMO BURNISHED COPPER.';
COMMENT ON COLUMN sales.products.list_price IS 'List price of one unit.';

COMMENT ON TABLE sales.orders IS 'Orders, one row each, with the account''s nation, region and segment.';
COMMENT ON COLUMN sales.orders.order_id IS 'Order id.';
COMMENT ON COLUMN sales.orders.account_id IS 'Account that ordered.';
COMMENT ON COLUMN sales.orders.account_name IS 'Name of the account that ordered.';
COMMENT ON COLUMN sales.orders.nation IS 'Nation of the account.';
COMMENT ON COLUMN sales.orders.region IS 'Region of the account.';
COMMENT ON COLUMN sales.orders.segment IS 'Market segment of the account.';
COMMENT ON COLUMN sales.orders.order_date IS 'Day of the order; the newest is the day in sales.as_of.';
COMMENT ON COLUMN sales.orders.order_status IS 'open (nothing shipped), partly shipped, shipped (on its way) or received.';
COMMENT ON COLUMN sales.orders.priority IS 'Priority: URGENT, HIGH, MEDIUM, NOT SPECIFIED or LOW.';
COMMENT ON COLUMN sales.orders.lines IS 'Number of order lines.';
COMMENT ON COLUMN sales.orders.revenue IS 'Revenue: price after discount, before tax.';

COMMENT ON TABLE sales.order_lines IS 'Lines of the orders: product, supplier, delivery dates; the largest table.';
COMMENT ON COLUMN sales.order_lines.order_id IS 'Order the line belongs to.';
COMMENT ON COLUMN sales.order_lines.line_number IS 'Number of the line within its order.';
COMMENT ON COLUMN sales.order_lines.account_id IS 'Account that ordered.';
COMMENT ON COLUMN sales.order_lines.nation IS 'Nation of the account.';
COMMENT ON COLUMN sales.order_lines.region IS 'Region of the account.';
COMMENT ON COLUMN sales.order_lines.segment IS 'Market segment of the account.';
COMMENT ON COLUMN sales.order_lines.order_date IS 'Day of the order.';
COMMENT ON COLUMN sales.order_lines.supplier_id IS 'Supplier of the line.';
COMMENT ON COLUMN sales.order_lines.product_id IS 'Product ordered.';
COMMENT ON COLUMN sales.order_lines.quantity IS 'Units ordered.';
COMMENT ON COLUMN sales.order_lines.revenue IS 'Revenue: price after discount, before tax.';
COMMENT ON COLUMN sales.order_lines.line_status IS 'open (not shipped), shipped (on its way) or received.';
COMMENT ON COLUMN sales.order_lines.ship_date IS 'Day of shipping; planned while the line is open.';
COMMENT ON COLUMN sales.order_lines.promised_date IS 'Day the delivery was promised for.';
COMMENT ON COLUMN sales.order_lines.receipt_date IS 'Day of receipt; expected until the line is received.';
COMMENT ON COLUMN sales.order_lines.late IS 'Whether the receipt is later than promised.';
COMMENT ON COLUMN sales.order_lines.ship_mode IS 'AIR, FOB, MAIL, RAIL, REG AIR, SHIP or TRUCK.';

COMMENT ON VIEW sales.revenue_by_month IS 'Revenue and number of orders per month.';
COMMENT ON COLUMN sales.revenue_by_month.month IS 'First day of the month of the order date.';
COMMENT ON COLUMN sales.revenue_by_month.revenue IS 'Revenue of the month.';
COMMENT ON COLUMN sales.revenue_by_month.orders IS 'Number of orders.';

COMMENT ON VIEW sales.revenue_by_nation IS 'Revenue and number of orders per nation and month.';
COMMENT ON COLUMN sales.revenue_by_nation.region IS 'Region of the accounts.';
COMMENT ON COLUMN sales.revenue_by_nation.nation IS 'Nation of the accounts.';
COMMENT ON COLUMN sales.revenue_by_nation.month IS 'First day of the month of the order date.';
COMMENT ON COLUMN sales.revenue_by_nation.revenue IS 'Revenue of the nation in the month.';
COMMENT ON COLUMN sales.revenue_by_nation.orders IS 'Number of orders.';

COMMENT ON VIEW sales.revenue_by_segment IS 'Revenue and number of orders per market segment and month.';
COMMENT ON COLUMN sales.revenue_by_segment.segment IS 'Market segment of the accounts.';
COMMENT ON COLUMN sales.revenue_by_segment.month IS 'First day of the month of the order date.';
COMMENT ON COLUMN sales.revenue_by_segment.revenue IS 'Revenue of the segment in the month.';
COMMENT ON COLUMN sales.revenue_by_segment.orders IS 'Number of orders.';

COMMENT ON VIEW sales.order_status_by_nation IS 'Number and revenue of orders per nation and status.';
COMMENT ON COLUMN sales.order_status_by_nation.region IS 'Region of the accounts.';
COMMENT ON COLUMN sales.order_status_by_nation.nation IS 'Nation of the accounts.';
COMMENT ON COLUMN sales.order_status_by_nation.order_status IS 'open, partly shipped, shipped or received.';
COMMENT ON COLUMN sales.order_status_by_nation.orders IS 'Number of orders.';
COMMENT ON COLUMN sales.order_status_by_nation.revenue IS 'Revenue of these orders.';

COMMENT ON VIEW sales.supplier_performance IS 'Lines received and lines late per supplier and month of receipt.';
COMMENT ON COLUMN sales.supplier_performance.supplier_id IS 'Supplier id.';
COMMENT ON COLUMN sales.supplier_performance.supplier_name IS 'Supplier name.';
COMMENT ON COLUMN sales.supplier_performance.supplier_nation IS 'Nation of the supplier.';
COMMENT ON COLUMN sales.supplier_performance.month IS 'First day of the month of receipt.';
COMMENT ON COLUMN sales.supplier_performance.lines_received IS 'Order lines received in the month.';
COMMENT ON COLUMN sales.supplier_performance.lines_late IS 'Of these, lines received later than promised.';
COMMENT ON COLUMN sales.supplier_performance.revenue IS 'Revenue of the lines received.';

COMMENT ON VIEW sales.as_of IS 'One row: the day the data is from. Count periods back from it, not from today.';
COMMENT ON COLUMN sales.as_of.as_of IS 'Day of the newest order, which is the day of the load.';
COMMENT ON COLUMN sales.as_of.shift_days IS 'Days added to every TPC-H date in this load.';
