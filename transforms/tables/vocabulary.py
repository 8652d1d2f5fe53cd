"""The fixed vocabularies of the tables: which values a column may hold.

Imports nothing, so that the help of a command can name them without loading what reads tables.
"""

SERVICES = ("voice", "sms")
DIRECTIONS = ("inbound", "outbound")
UNSTATED = "unstated"
"""Direction of a record whose source does not tell which party is the customer."""
STATUSES = ("answered", "no_answer", "busy", "failed", "sent", "delivered", "received", "rejected")
LEGS = ("main", "forwarded")
REASONS = (
    "unreadable",
    "bad_value",
    "sms_length_unknown",
    "account_unknown",
    "no_destination",
    "no_price",
    "conflicting_duplicate",
    "incomplete",
    "changed_file",
)
NUMBER_CHANGES = ("assigned", "unassigned")
PART_STATES = ("waiting", "usage", "told", "repeated", "refused")
SUSPENSE_STATES = ("open", "recycled", "written_off")

PRORATIONS = ("none", "daily")

BILLING_MODES = ("prepaid", "postpaid")
PAYMENT_METHODS = ("balance", "direct_debit", "bank_transfer")
LANGUAGES = ("en", "fr")
CREDIT_KINDS = ("top_up", "opening_balance", "refund", "goodwill")

LINE_KINDS = ("voice", "sms", "number_fee", "adjustment")
UNITS = ("seconds", "segments", "messages", "months")
BILL_STATUSES = ("draft", "issued", "parked")
NOTE_KINDS = ("credit_note", "debit_note")
VAT_RULES = ("domestic", "reverse_charge", "eu_consumer", "outside_eu", "charged_at_top_up")

DOCUMENT_KINDS = ("bill", *NOTE_KINDS)
RECEIVABLE_KINDS = (*DOCUMENT_KINDS, "payment")
JOURNAL_DOCUMENTS = ("bills", "credit_notes", "debit_notes", "top_ups", "credits", "payments")
JOURNAL_ACCOUNTS = (
    "receivables",
    "customer_credit",
    "bank",
    "vat_payable",
    "revenue_voice",
    "revenue_sms",
    "revenue_number_fees",
    "revenue_adjustments",
    "goodwill",
    "refunds",
    "opening_balances",
)

MAIL_KINDS = ("bill", *NOTE_KINDS, "receipt")
FILE_KINDS = (*MAIL_KINDS, "direct_debits", "open_items")
FORMS = ("pdf", "ubl", "csv", "xml")
COLLECTION_METHODS = ("direct_debit", "bank_transfer")
MAIL_STATES = ("pending", "sending", "sent", "retry", "failed", "unknown")
