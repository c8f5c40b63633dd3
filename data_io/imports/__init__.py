"""One foreign format a file: from real logs and folders to the tables of the contract."""
