"""The method: how an assignment problem is solved and how good the answer is."""
