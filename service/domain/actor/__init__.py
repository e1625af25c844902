"""An organisation or a former state that speaks or acts. Stream `actor/<slug>`."""
