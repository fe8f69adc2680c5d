"""The journal of a run's decisions: written as they are made, read back, replayed and explained.

``writer.JournalWriter`` writes a journal, ``reader.Journal`` reads one; nothing else knows how it is stored.
"""
