"""The controls as SQL over what the stages wrote: each measures what must be beside what is, in another way than
the transforms came to it.

A control is a query that returns currency, expected, actual and difference. It may use the parameters $month,
$starts and $ends, and {table} for the month of a month table.
"""

from __future__ import annotations

from pipelines.controls import files as file_controls
from pipelines.controls import legs as leg_controls
from pipelines.controls.control import USAGE, Control
from pipelines.controls.control import count as _count
from pipelines.controls.control import count_each as _count_each

_PER_FILE = """
    SELECT f.records,
        coalesce(u.n, 0) + coalesce(r.n, 0) + coalesce(p.n, 0) + f.unbillable AS found
    FROM loaded_files f
    LEFT JOIN (SELECT file_number, count(*) AS n FROM usage_records GROUP BY 1) u USING (file_number)
    LEFT JOIN (SELECT file_number, count(*) AS n FROM refused_records WHERE leg = 'main' GROUP BY 1) r USING (file_number)
    LEFT JOIN (SELECT file_number, count(*) AS n FROM event_parts WHERE state IN ('waiting', 'told', 'repeated') GROUP BY 1) p
        USING (file_number)
"""

_RECOMPUTED = """
    SELECT currency, count(*) AS wrong FROM {rated_usage}
    WHERE CASE
        WHEN unit_price IS NULL THEN charge <> 0
        WHEN service = 'voice' THEN
            unit_price::DECIMAL(38,6) * billed_seconds::DECIMAL(10,0) + connection_fee::DECIMAL(38,6) * 60::DECIMAL(2,0)
            - charge::DECIMAL(38,10) * 60::DECIMAL(2,0)
            NOT BETWEEN -0.0000000030 AND 0.0000000029
        WHEN direction = 'outbound' THEN charge <> unit_price::DECIMAL(38,6) * segments::DECIMAL(10,0)
        ELSE charge <> unit_price
    END
    GROUP BY currency
"""
"""A charge is right when sixty times it is nearer to sixty times the exact amount than half of the tenth decimal, or
half of it above: no division and no rounding is needed to see that. What is multiplied is cast to 38 digits before: DuckDB
keeps the product of two decimals of up to 18 digits in 18, and stops where it does not fit."""

_FEES_RECOMPUTED = """
    SELECT count(*) FROM {number_fees}
    WHERE (amount::DECIMAL(38,10) * 10000000000)::HUGEINT <> CASE
        WHEN proration = 'none' THEN (monthly_fee::DECIMAL(38,6) * 1000000)::HUGEINT * 10000
        ELSE (2 * 10000 * (monthly_fee::DECIMAL(38,6) * 1000000)::HUGEINT * chargeable_days + day(last_day($month_start)))
            // (2 * day(last_day($month_start)))
    END
"""

_SUMS = """
    SELECT currency, sum(charged) AS expected, sum(on_lines) AS actual, sum(abs(charged - on_lines)) AS difference FROM (
        SELECT account_id, currency, sum(charged) AS charged, sum(on_lines) AS on_lines FROM ({parts}) GROUP BY ALL
    ) GROUP BY currency
"""

_LEGS_BY_FILE = """
    expected AS (
        SELECT file_id, count(*) + count(forwarded_to) AS legs,
            sum(record_number) + coalesce(sum(record_number) FILTER (forwarded_to IS NOT NULL), 0) AS positions
        FROM usage_of_month JOIN loaded_files USING (file_number) GROUP BY file_id
    ),
    actual AS (
        SELECT file_id, count(*) AS legs, sum(record_number) AS positions FROM (
            SELECT file_id, record_number FROM {rated_usage} WHERE usage_month = $month
            UNION ALL SELECT file_id, record_number FROM suspense
            WHERE state <> 'recycled' AND format <> 'numbers' AND usage_month = $month
        ) GROUP BY file_id
    )
    SELECT '' AS currency, coalesce(sum(e.positions), 0) AS expected, coalesce(sum(a.positions), 0) AS actual,
        coalesce(sum(abs(coalesce(e.legs, 0) - coalesce(a.legs, 0))
            + abs(coalesce(e.positions, 0) - coalesce(a.positions, 0))), 0) AS difference
    FROM expected e FULL JOIN actual a USING (file_id)
"""

_RECEIVABLES_CLOSE = """
    WITH sources AS (
        SELECT account_id, currency, total_owed AS amount FROM {issued_bills}
        UNION ALL SELECT account_id, currency, total_owed FROM {issued_notes}
        UNION ALL SELECT account_id, currency, -amount FROM payments
    ),
    unallocated AS (
        SELECT p.account_id, p.currency, p.amount FROM payments p ANTI JOIN open_items i
        ON i.document = p.bill_number AND i.account_id = p.account_id AND i.currency = p.currency
    ),
    balances AS (
        SELECT account_id, currency, arg_max(balance_after, entry_number) AS amount FROM receivables GROUP BY ALL
    ),
    three AS (
        SELECT account_id, currency, amount::DECIMAL(38,4) AS owed, 0::DECIMAL(38,4) AS open, 0::DECIMAL(38,4) AS balance
        FROM sources
        UNION ALL SELECT account_id, currency, 0, open_amount, 0 FROM open_items
        UNION ALL SELECT account_id, currency, 0, -amount, 0 FROM unallocated
        UNION ALL SELECT account_id, currency, 0, 0, amount FROM balances
    ),
    by_account AS (
        SELECT account_id, currency, sum(owed) AS owed, sum(open) AS open, sum(balance) AS balance FROM three GROUP BY ALL
    )
    SELECT currency, sum(balance) AS expected, sum(open) AS actual,
        sum(abs(balance - open) + abs(balance - owed)) AS difference FROM by_account GROUP BY currency
"""

_JOURNAL_AGREES = """
    WITH kept AS (
        SELECT 'receivables' AS account, currency, amount::DECIMAL(38,4) AS kept, 0::DECIMAL(38,4) AS journal
        FROM receivables
        UNION ALL SELECT 'customer_credit', currency, -amount, 0 FROM posted_ledger WHERE kind <> 'adjustment'
        UNION ALL SELECT account, currency, 0, debit - credit FROM journal
        WHERE account = 'receivables' OR (account = 'customer_credit' AND document NOT IN ('credit_notes', 'debit_notes'))
    ),
    by_account AS (SELECT account, currency, sum(kept) AS kept, sum(journal) AS journal FROM kept GROUP BY ALL)
    SELECT currency, sum(kept) AS expected, sum(journal) AS actual, sum(abs(kept - journal)) AS difference
    FROM by_account GROUP BY currency
"""

CONTROLS: tuple[Control, ...] = (
    Control(
        "records_in",
        "every record of every file is usage, in suspense, a duplicate, or no usage by its kind",
        f"SELECT '' AS currency, coalesce(sum(records), 0) AS expected, coalesce(sum(found), 0) AS actual, "
        f"coalesce(sum(abs(records - found)), 0) AS difference FROM ({_PER_FILE})",
    ),
    Control(
        "legs_rated",
        "every leg of the month's usage is rated or in suspense",
        _count(
            "SELECT count(*) + count(forwarded_to) FROM usage_of_month",
            "SELECT (SELECT count(*) FROM {rated_usage} WHERE usage_month = $month) + (SELECT count(*) FROM suspense "
            "WHERE state <> 'recycled' AND format <> 'numbers' AND usage_month = $month)",
            having=f"WITH {USAGE}",
        ),
        of_whole_months=True,
    ),
    Control(
        "forwarded_legs",
        "every forwarded call has its outbound leg, and every outbound leg that names an inbound call finds it",
        _count(
            "SELECT count(forwarded_to) + (SELECT legs FROM inbound_missing) FROM usage_of_month",
            "SELECT (SELECT count(*) FROM {rated_usage} WHERE leg = 'forwarded' AND usage_month = $month) "
            "+ (SELECT count(*) FROM suspense "
            "WHERE state <> 'recycled' AND leg = 'forwarded' AND format <> 'numbers' AND usage_month = $month)",
            having=f"WITH {USAGE}, {leg_controls.MISSING_INBOUND}",
        ),
        of_whole_months=True,
        findings=leg_controls.ORPHANS,
    ),
    Control(
        "legs_by_file",
        "file by file, the legs rated or in suspense are those of the records: by their number and their positions",
        f"WITH {USAGE}, {_LEGS_BY_FILE}",
        of_whole_months=True,
    ),
    Control(
        "billed_once",
        "no leg stands on the month's bills that stands on an issued bill already",
        _count(
            "SELECT 0",
            "SELECT count(*) FROM {rated_usage} r SEMI JOIN (SELECT file_id, record_number, leg FROM {issued_usage} "
            "WHERE usage_month IN (SELECT DISTINCT usage_month FROM {rated_usage})) i USING (file_id, record_number, leg)",
        ),
    ),
    Control(
        "charges_recomputed",
        "every charge, computed once more from unit price and quantity, is the same",
        "SELECT currency, 0 AS expected, wrong AS actual, wrong AS difference "
        f"FROM (SELECT '' AS currency, coalesce(sum(wrong), 0) AS wrong FROM ({_RECOMPUTED}))",
    ),
    Control(
        "fees_recomputed",
        "every number fee, computed once more from fee and days, is the same",
        _count("SELECT 0", _FEES_RECOMPUTED),
    ),
    Control(
        "charges_to_lines",
        "account by account, the charges of usage and numbers are the charges of the bill lines",
        _SUMS.format(
            parts="SELECT account_id, currency, charge::DECIMAL(38,10) AS charged, 0::DECIMAL(38,10) AS on_lines "
            "FROM {rated_usage} "
            "UNION ALL SELECT account_id, currency, amount::DECIMAL(38,10), 0 FROM {number_fees} "
            "UNION ALL SELECT account_id, currency, 0, charge::DECIMAL(38,10) FROM {bill_lines}"
        ),
    ),
    Control(
        "events_to_lines",
        "every leg with a price, and every fee, stands on one line of its account",
        _count_each(
            "SELECT account_id AS item, count(*) AS n FROM {rated_usage} WHERE unit_price IS NOT NULL GROUP BY 1 "
            "UNION ALL SELECT account_id, 1 FROM {number_fees}",
            "SELECT account_id AS item, events AS n FROM {bill_lines}",
        ),
    ),
    Control(
        "lines_rounded",
        "every line is its charges, rounded once to the minor unit",
        _count(
            "SELECT 0",
            "SELECT count(*) FROM {bill_lines} JOIN minor_units USING (currency) "
            "WHERE (amount::DECIMAL(38,4) * 10000)::HUGEINT <> (10::HUGEINT ** (4 - digits))::HUGEINT * sign(charge)::HUGEINT * "
            "((2 * abs((charge::DECIMAL(38,10) * 10000000000)::HUGEINT) + (10::HUGEINT ** (10 - digits))::HUGEINT) "
            "// (2 * (10::HUGEINT ** (10 - digits))::HUGEINT))",
        ),
    ),
    Control(
        "lines_to_bills",
        "the lines of each account are the net amount of its bill",
        "SELECT currency, sum(lines) AS expected, sum(net) AS actual, sum(abs(lines - net)) AS difference FROM ("
        "SELECT account_id, currency, coalesce(sum(l), 0) AS lines, coalesce(sum(n), 0) AS net FROM ("
        "SELECT account_id, currency, amount::DECIMAL(38,4) AS l, 0::DECIMAL(38,4) AS n FROM {bill_lines} "
        "UNION ALL SELECT account_id, currency, 0, net_amount::DECIMAL(38,4) FROM {bills}) GROUP BY ALL) GROUP BY currency",
    ),
    Control(
        "bills_add_up",
        "net and VAT are gross; prepaid is paid from the balance and owes 0; postpaid owes gross",
        _count(
            "SELECT 0",
            "SELECT count(*) FROM {bills} WHERE gross_amount <> net_amount + vat_amount OR CASE billing_mode "
            "WHEN 'prepaid' THEN total_owed <> 0 OR paid_from_balance <> net_amount OR vat_amount <> 0 "
            "ELSE total_owed <> gross_amount OR paid_from_balance <> 0 END",
        ),
    ),
    Control(
        "accounts_billed",
        "every account that was open on any day of the month, or has a line, has one bill",
        _count_each(
            "SELECT account_id AS item, 1 AS n FROM accounts "
            "WHERE (opened_on <= $last AND (closed_on IS NULL OR closed_on >= $first)) "
            "OR account_id IN (SELECT account_id FROM {bill_lines})",
            "SELECT account_id AS item, 1 AS n FROM {bills}",
        ),
        of_whole_months=True,
    ),
    Control(
        "ledger_closes",
        "opening balance and movements are the closing balance, for every account and month",
        "SELECT currency, sum(moved) AS expected, sum(closing) AS actual, sum(abs(moved - closing)) AS difference FROM ("
        "SELECT currency, posted_at, sum(amount) OVER w AS moved, balance_after AS closing FROM ledger "
        "WINDOW w AS (PARTITION BY account_id ORDER BY entry_number)) WHERE posted_at < $ends GROUP BY currency",
    ),
    Control(
        "bills_in_ledger",
        "what prepaid bills of the month took from balances is what the ledger moved",
        "SELECT currency, sum(e) AS expected, sum(a) AS actual, sum(abs(e - a)) AS difference FROM ("
        "SELECT account_id, currency, sum(e) AS e, sum(a) AS a FROM ("
        "SELECT account_id, currency, paid_from_balance::DECIMAL(38,4) AS e, 0::DECIMAL(38,4) AS a FROM {bills} "
        "UNION ALL SELECT account_id, currency, 0, -amount FROM ledger "
        "WHERE kind = 'bill' AND posted_at >= $starts AND posted_at < $ends) GROUP BY ALL) GROUP BY currency",
        of_whole_months=True,
    ),
    Control(
        "top_ups_receipted",
        "every top-up that is known has one receipt, and nothing else has",
        _count_each(
            "SELECT credit_id AS item, 1 AS n FROM credits WHERE kind = 'top_up'",
            "SELECT credit_id AS item, 1 AS n FROM receipts",
        ),
    ),
    Control(
        "receivables_close",
        "open items less unallocated payments are the balances of postpaid customers, and what issued documents and "
        "payments come to, for every account",
        _RECEIVABLES_CLOSE,
    ),
    Control(
        "journal_balances",
        "debits are credits in the journal, for every month and kind of document",
        "SELECT currency, sum(debit) AS expected, sum(credit) AS actual, sum(abs(debit - credit)) AS difference FROM ("
        "SELECT billing_month, document, currency, sum(debit) AS debit, sum(credit) AS credit FROM journal GROUP BY ALL) "
        "GROUP BY currency",
    ),
    Control(
        "journal_agrees",
        "what the journal says of receivables and customer credit is what receivables and the posted ledger say",
        _JOURNAL_AGREES,
    ),
    *file_controls.CONTROLS,
    *leg_controls.CONTROLS,
)
"""Where a control that blocks fails, nothing of the run is published."""
