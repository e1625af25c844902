"""Names and phrases that several documents share: of states and persons, of types of event, of who says something."""
