"""E-invoices of documents: EN 16931 terms, Factur-X and UBL, their validation and reading back, the mark in the PDF."""
