"""The experiment without labels: rows of losses in two domains, and the page that tells them."""
