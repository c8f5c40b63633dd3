"""The rules of today's routers, one file each, so that their users recognise them."""
