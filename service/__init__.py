"""The record of bilateral irritants: who says what about where each one stands, and when that was known."""
