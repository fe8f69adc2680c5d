"""The nouns of the fleet as frozen, slotted data, and the catalogues of hardware and model shapes.

Everything above this layer speaks in these types. They hold no behaviour beyond arithmetic on their own fields.
"""
