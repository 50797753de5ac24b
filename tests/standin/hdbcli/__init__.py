"""What stands in for SAP's driver, which is not free and is never installed here?

Its `dbapi` takes the statements that are meant for HANA and has SQLite carry them out. So what
surrounds the statements is tested; whether HANA takes them is not, and cannot be.
"""
