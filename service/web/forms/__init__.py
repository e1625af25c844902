"""The forms that file reports, corrections and retractions.

The routes are in `filing` and `corrections`. They read the posted form (`posted`) into a draft (`draft`), do what the
pressed button says (`editing`), and draw the form again (`controls`, from the fields of each event type in `fields`).
"""
