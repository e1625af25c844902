"""Forms that file reports, corrections and retractions: drafts, fields, previews, and the routes that file them."""
