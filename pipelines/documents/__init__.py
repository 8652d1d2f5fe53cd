"""Documents of what is issued: bills, notes and receipts as PDF and e-invoice, itemisations, payment files, e-mails."""
