"""The lab: days of a contact centre under any router, with the same customers for all."""
